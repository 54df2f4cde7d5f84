import { z } from 'zod';

const EXPECTED = 'a token of 16 to 256 visible characters, without spaces';

/** What an operator has to know to change anything. It is a secret, and never shown. */
export const adminToken = z.string({ error: EXPECTED }).superRefine((token, context) => {
  if (/^[\x21-\x7e]{16,256}$/.test(token)) return;
  context.addIssue({ code: 'custom', message: EXPECTED, params: { found: 'something else (not shown)' } });
});
