import { secretText } from './secret-text.js';

const EXPECTED = 'the URL of an OTLP receiver over HTTP, such as http://collector:4318';

/** Where spans are sent. It may hold a password. */
export const otlpEndpoint = secretText(
  EXPECTED,
  (url) => /^https?:\/\/[^\s?#]+$/.test(url) && URL.canParse(url),
);
