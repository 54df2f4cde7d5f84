import { secretText } from './secret-text.js';

const EXPECTED = 'a Redis URL such as redis://cache:6379 or rediss://user:password@cache:6380/1';

/** The URL of a Redis. It may hold a password. */
export const redisUrl = secretText(
  EXPECTED,
  (url) => /^rediss?:\/\/[^\s/?#]+(?:\/\d*)?$/.test(url) && URL.canParse(url),
);
