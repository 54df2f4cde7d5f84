import { z } from 'zod';

const EXPECTED = 'a Redis URL such as redis://cache:6379 or rediss://user:password@cache:6380/1';

/** The URL of a Redis. It may hold a password, and is never shown. */
export const redisUrl = z.string({ error: EXPECTED }).superRefine((url, context) => {
  if (/^rediss?:\/\/[^\s/?#]+(?:\/\d*)?$/.test(url) && URL.canParse(url)) return;
  context.addIssue({ code: 'custom', message: EXPECTED, params: { found: 'something else (not shown)' } });
});
