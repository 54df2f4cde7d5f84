import { z } from 'zod';
import { EMPTY, UNRESOLVED } from '../../upstream/config/configuration-source.js';
import { keyListings } from '../../upstream/config/checked-input.js';
import { headerName, NO_WILDCARD, TOKEN_PATTERN } from '../../upstream/config/http-header.js';
import { group } from '../../upstream/config/policy-schema.js';
import { count, duration, flag } from '../../upstream/config/quantities.js';

// What a group cannot do without is checked when it is settled: a key that is missing here would leave nothing of the
// file to be checked any further. Editors are told by `required`.

export const ROUTE_VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
export const CALL_VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;

/** For sizes without a sensible limit: enough for anyone, and it catches a slipped key. */
const MANY = 1_000_000;

const ONE_OF_ITS_VERBS = (verbs: readonly string[]) => verbs.map((verb) => ({ required: [verb] }));

/** Names of composites and parts stand in header fields and commands as they are. */
const name = z.string().meta({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' });

const text = (error: string) => z.string({ error }).min(1, { error });
const expression = text('a JMESPath expression').meta({ title: 'JMESPath' });
const PATH = 'a path beginning with /';
const path = text(PATH).regex(/^\/(?!\/)\S*$/, {
  error: ({ input }) => (/^\/(?!\/)/.test(String(input)) ? 'a path without spaces' : PATH),
});

const DOTTED = 'a dotted path, such as customer.address';
const segments = z
  .string({ error: DOTTED })
  .regex(/^[^.\s]+(\.[^.\s]+)*$/, { error: DOTTED })
  .refine((written) => !written.split('.').includes('__proto__'), { error: DOTTED });
const place = segments.refine((written) => !/[[\]*]/.test(written), { error: `${DOTTED}: names only` });
const dotted = segments.superRefine((written, context) => {
  const names = written
    .replace(/\[[^\]]*\]|\*/g, '')
    .split('.')
    .filter((name) => name !== '');
  if (names.join('.') === written) return;
  const plain = names.length === 0 ? 'lines.sku picks it in each line' : names.join('.');
  context.addIssue({
    code: 'custom',
    message: `a dotted path; lists are gone through by themselves: ${plain}`,
  });
});
const dottedPaths = z.array(dotted, { error: 'a list of dotted paths' });

const FIELD = 'the name of a field, without dots';
const field = z
  .string({ error: FIELD })
  .regex(/^[^.\s]+$/, { error: FIELD })
  .refine((written) => written !== '__proto__', { error: FIELD });

const names = (what: string) =>
  z.array(text(`the name of a ${what}`), { error: `a list of names, each of a ${what}` });

/** Any value, as long as one was written: what has nothing after its key would be taken for a value otherwise. */
const anything = z.unknown().superRefine((value, context) => {
  for (const path of blanks(value, [])) {
    context.addIssue({ code: 'custom', path, message: 'a value, such as null' });
  }
});

const JSON_SCHEMA = 'a JSON Schema';
const jsonSchema = z
  .union([z.boolean(), z.record(z.string(), anything, { error: JSON_SCHEMA })], { error: JSON_SCHEMA })
  .meta({ title: 'JSON Schema (draft 2020-12)' });

const schemaOf = (types: readonly [string, ...string[]]) => ({
  type: said('JSON type. Default string.', z.enum(types, { error: `one of ${types.join(', ')}` })),
  enum: said('The values it may have.', z.array(anything, { error: 'a list of values' })),
  format: said('A format of JSON Schema, such as date or uuid.', text('a format of JSON Schema')),
  pattern: said('A regular expression a text must match somewhere.', text('a regular expression')),
  minLength: said('Characters at the least.', count(0, MANY)),
  maxLength: said('Characters at the most.', count(0, MANY)),
  minimum: said('The least number.', z.number({ error: 'a number' })),
  maximum: said('The greatest number.', z.number({ error: 'a number' })),
});

const QUERY = 'the name of a query parameter';
const COOKIE = 'the name of a cookie, without spaces or separators';
const oneByOne = (name: string): boolean => !name.includes('*');

const forward = group({
  headers: said(
    'Headers of the request that are passed on.',
    z.array(headerName.refine(oneByOne, { error: NO_WILDCARD }), { error: 'a list of header names' }),
  ),
  query: said(
    'Query parameters that are passed on as they came.',
    z.array(
      text(QUERY)
        .regex(/^[^=&]+$/, { error: QUERY })
        .refine(oneByOne, { error: NO_WILDCARD }),
      { error: 'a list of names, each of a query parameter' },
    ),
  ),
  cookies: said(
    'Cookies that are passed on.',
    z.array(
      z
        .string({ error: COOKIE })
        .regex(TOKEN_PATTERN, { error: COOKIE })
        .refine(oneByOne, { error: NO_WILDCARD }),
      { error: 'a list of names, each of a cookie' },
    ),
  ),
  body: said('Whether the body is passed on. Default false.', flag()),
});

const param = group({
  in: said(
    'Where the request has it. Default path if the route names it, else query.',
    z.enum(['path', 'query', 'header', 'cookie'], { error: 'one of path, query, header, cookie' }),
  ),
  alias: said('What the request calls it. Default: the name.', text('what the request calls it')),
  required: said('Whether a request without it is refused. Default false.', flag()),
  description: said('For the OpenAPI document.', text('text')),
  default: said('Its value where the request has none. Default null.', anything),
  ...schemaOf(['string', 'integer', 'number', 'boolean', 'array']),
  items: said(
    'What each item of an array must be.',
    group(schemaOf(['string', 'integer', 'number', 'boolean'])),
  ),
  minItems: said('Items at the least.', count(0, MANY)),
  maxItems: said('Items at the most.', count(0, MANY)),
});

const batch = group({
  size: said('Keys a call.', count(1, 1_000)),
  key: said('JMESPath over an element of the answer: its key.', expression),
}).meta({ required: ['size', 'key'] });

const forEach = group({
  items: said('JMESPath over the scope: a list of items; of keys, where key is not given.', expression),
  key: said('JMESPath over an item: its key.', expression),
  batch: said('Asks for several keys at once; values and URL then use keys.', batch),
  concurrency: said('Calls at once. Default 8.', count(1, 1_000)),
  maxItems: said('Distinct keys that are asked for at the most. Default 200.', count(1, 100_000)),
  missing: said('Stands in for an item the upstream does not have. Default null.', anything),
  collect: said(
    'map: an object by key (the default). list: in order of first appearance.',
    z.enum(['map', 'list'], { error: 'one of map, list' }),
  ),
  stitch: said('Puts each value into its item, under this name.', field),
}).meta({ required: ['items'] });

const part = group({
  upstream: said('The name of the upstream that is called.', text('the name of an upstream')),
  get: said('Calls by GET: an RFC 6570 template of path and query.', path),
  head: said('Calls by HEAD: an RFC 6570 template of path and query.', path),
  post: said('Calls by POST: an RFC 6570 template of path and query.', path),
  put: said('Calls by PUT: an RFC 6570 template of path and query.', path),
  patch: said('Calls by PATCH: an RFC 6570 template of path and query.', path),
  delete: said('Calls by DELETE: an RFC 6570 template of path and query.', path),
  values: said(
    'Values for the variables of the template; a text is JMESPath. Default: the parameter of that name, or a path.',
    z.record(z.string(), anything, { error: 'a group of values' }),
  ),
  headers: said(
    'Headers of the call; a text is JMESPath.',
    z.record(headerName, anything, { error: 'a group of headers by name' }),
  ),
  forward: said('What is passed on of the request, instead of what the composite says.', forward),
  body: said('Sent as JSON; texts in it are JMESPath.', anything),
  reads: said('Whether a POST changes nothing, a search with a body say. Default false.', flag()),
  idempotencyKey: said('Sent as Idempotency-Key: makes a POST or PATCH safe to repeat.', anything),
  required: said('Whether its failure ends the composite. Default false.', flag()),
  fallback: said('Its value where it failed or was skipped. Default null.', anything),
  within: said('The longest it may take.', duration()),
  when: said('JMESPath over the scope; where it does not hold, the part is skipped.', expression),
  needs: said('Parts that must have ended first, beyond those it refers to.', names('part')),
  select: said('JMESPath over the answer: what the part is.', expression),
  pick: said('Dotted paths that stay; the others go.', dottedPaths),
  omit: said('Dotted paths that go.', dottedPaths),
  rename: said(
    'Dotted path to the new name of its last segment.',
    z.record(dotted, field, { error: 'a group of new names by dotted path' }),
  ),
  as: said('Place in the response, dotted. Default: the name.', place),
  flatten: said('Whether its keys stand in the root of the response. Default false.', flag()),
  hidden: said('Whether the response leaves it out. Default false.', flag()),
  merge: said(
    'What happens where an earlier part wrote the same place.',
    z.union(
      [
        z.enum(['deep', 'concat'], { error: 'one of deep, concat, or a group with byKey' }),
        group({ byKey: said('The field that is the key of both lists.', field) }).meta({
          required: ['byKey'],
        }),
      ],
      { error: 'one of deep, concat, or a group with byKey' },
    ),
  ),
  schema: said('JSON Schema the answer must fit.', jsonSchema),
  forEach: said(
    'A call for each of several items: JMESPath over the scope, or a group of keys.',
    z.union([expression, forEach], { error: 'a JMESPath expression, or a group of keys' }),
  ),
})
  .meta({ required: ['upstream'], oneOf: ONE_OF_ITS_VERBS(CALL_VERBS) })
  .register(keyListings, {
    keys:
      'upstream and a verb, what is sent (values, headers, body, forward), when it runs (when, needs, forEach, within), ' +
      'if it fails (required, fallback), what it shows (select, pick, omit, rename, as, flatten, hidden, merge)',
  });

const PARTIAL_STATUS = 'a status from 200 to 299, or 502, 503 or 504';
/** A partial answer is no fault of the client, and no bug of the gateway. */
const partialStatus = z
  .int({ error: PARTIAL_STATUS })
  .min(200, { error: PARTIAL_STATUS })
  .max(504, { error: PARTIAL_STATUS })
  .refine((status) => status < 300 || [502, 503, 504].includes(status), { error: PARTIAL_STATUS });

const composite = group({
  get: said('Answers GET (and HEAD) at this route.', path),
  post: said('Answers POST at this route.', path),
  put: said('Answers PUT at this route.', path),
  patch: said('Answers PATCH at this route.', path),
  delete: said('Answers DELETE at this route.', path),
  summary: said('For the OpenAPI document.', text('text')),
  description: said('For the OpenAPI document.', text('text')),
  tags: said('For the OpenAPI document.', names('tag')),
  params: said(
    'What expressions find under params. Those of the route need no entry.',
    z.record(z.string(), param, { error: 'a group of parameters by name' }),
  ),
  bodySchema: said('JSON Schema of the body of the request.', jsonSchema),
  auth: said(
    'Credentials a request must carry; a part must forward them.',
    z.enum(['bearer', 'basic', 'cookie'], { error: 'one of bearer, basic, cookie' }),
  ),
  forward: said('What parts pass on of the request. Default nothing.', forward),
  deadline: said('The longest the composite may take. Default 3s.', duration()),
  status: said('Status of a complete answer. Default 200.', count(200, 299)),
  partialStatus: said('Status of an answer in which a part fell back. Default: status.', partialStatus),
  passThrough: said(
    "Statuses of a required part's upstream that become the response's own. Default 401, 403, 404, 410.",
    z.array(count(400, 599), { error: 'a list of statuses' }),
  ),
  report: said(
    'Whether the part report stands in the body as well. Default headers.',
    z.enum(['headers', 'body'], { error: 'one of headers, body' }),
  ),
  sparse: said('Whether ?fields= may ask for some of the answer. Default true for GET.', flag()),
  parts: said(
    'The calls, by name, in the order of the answer.',
    z.record(name, part, { error: 'a group of parts by name' }),
  ),
})
  .meta({ required: ['parts'], oneOf: ONE_OF_ITS_VERBS(ROUTE_VERBS) })
  .register(keyListings, {
    keys:
      'a verb and parts, what is asked (params, bodySchema, auth, forward), how it answers (deadline, status, ' +
      'partialStatus, passThrough, report, sparse), what it is (summary, description, tags)',
  });

export const COMPOSITE_KEYS: readonly string[] = Object.keys(composite.shape);

/** The `composites` of a gateway file; what else stands in it is for other layers. */
export const compositesSchema = z.looseObject({
  composites: said(
    'Responses made of several calls, by name.',
    z.record(name, composite, { error: 'a group of composites by name' }),
  ),
});

export type WrittenComposite = z.output<typeof composite>;
export type WrittenPart = z.output<typeof part>;
export type WrittenParam = z.output<typeof param>;
export type WrittenForward = z.output<typeof forward>;
export type WrittenForEach = z.output<typeof forEach>;
export type WrittenBatch = z.output<typeof batch>;

/** A key that may be left out, with what editors say of it. */
function said<S extends z.ZodType>(description: string, schema: S): z.ZodOptional<S> {
  return schema.optional().describe(description);
}

function blanks(value: unknown, path: readonly PropertyKey[]): readonly PropertyKey[][] {
  if (value === EMPTY || value === UNRESOLVED) return [[...path]];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, item]: [PropertyKey, unknown]) => blanks(item, [...path, key]));
}
