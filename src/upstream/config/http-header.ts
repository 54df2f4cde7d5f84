import { z } from 'zod';

// RFC 9110, 5.1 and 5.6.2: a field name is a token.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// What Node and undici put on the wire as it is; no line breaks, so that no value can add a header.
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** Headers that describe one connection or one message's framing (RFC 9110, 7.6.1): the client sets them itself. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The name of a header or a cookie, with nothing that would end it (RFC 9110, 5.6.2; RFC 6265, 4.1.1). */
export const TOKEN_PATTERN = TOKEN;

/** What is expected of a name that is passed on. */
export const NO_WILDCARD = 'names one by one; there is no wildcard';

const NAME_EXPECTED = 'the name of a header, such as x-api-key';

/** The name of a header that may be sent to an upstream, in lower case. */
export const headerName = z
  .string({ error: NAME_EXPECTED })
  .regex(TOKEN, { error: NAME_EXPECTED })
  .toLowerCase()
  .refine((name) => !CONNECTION_HEADERS.has(name), {
    error: `${NAME_EXPECTED}; those of the connection itself (${[...CONNECTION_HEADERS].join(', ')}) are not set here`,
  });

const VALUE_EXPECTED = 'text in one line, without control characters';

// Any number, even one too large to be one: the text `12e5678` is a number to YAML, and a fine key to an upstream.
const anyNumber = z.custom<number>((value) => typeof value === 'number').meta({ type: 'number' });

/** The value of a header; a number stands for its text. It may be a secret, and is never shown. */
export const headerValue = z
  .union([z.string(), anyNumber, z.boolean()], { error: VALUE_EXPECTED })
  .superRefine((value, context) => {
    if (FIELD_VALUE.test(String(value))) return;
    const found = value === '' ? 'nothing' : 'line breaks or control characters';
    context.addIssue({ code: 'custom', message: VALUE_EXPECTED, params: { found } });
  });
