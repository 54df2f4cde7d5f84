import { z } from 'zod';

const EXPECTED = 'the URL of an OTLP receiver over HTTP, such as http://collector:4318';

/** Where spans are sent. It may hold a password, and is never shown. */
export const otlpEndpoint = z.string({ error: EXPECTED }).superRefine((url, context) => {
  if (/^https?:\/\/[^\s?#]+$/.test(url) && URL.canParse(url)) return;
  context.addIssue({ code: 'custom', message: EXPECTED, params: { found: 'something else (not shown)' } });
});
