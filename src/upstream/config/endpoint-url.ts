import { z } from 'zod';

const EXPECTED =
  'an http or https URL such as http://orders:8080/api, without query, fragment or credentials';

/** The base URL of an upstream's endpoint; a path prefix is allowed. Gives it without a slash at the end. */
export const endpointUrl = z.string({ error: EXPECTED }).transform((written, context) => {
  const flaw = flawOf(written);
  if (!flaw) return new URL(written).href.replace(/\/+$/, '');
  // A URL with credentials is not shown: that is what is wrong with it.
  context.addIssue({
    code: 'custom',
    message: EXPECTED,
    params: flaw === 'credentials' ? { found: 'a URL with credentials' } : {},
  });
  return z.NEVER;
});

function flawOf(written: string): 'malformed' | 'credentials' | undefined {
  if (/^[a-z]+:\/\/[^/?#]*@/i.test(written)) return 'credentials';
  // The URL parser forgives white space, backslashes and missing slashes; a reader would not.
  const wellFormed = /^https?:\/\/[^\s\\?#/][^\s\\?#]*$/i.test(written) && URL.canParse(written);
  return wellFormed ? undefined : 'malformed';
}
