import { z } from 'zod';
import { headerName } from '../../upstream/config/http-header.js';
import { group } from '../../upstream/config/policy-schema.js';
import { count, duration, flag } from '../../upstream/config/quantities.js';

const text = (error: string) => z.string({ error });
const expression = text('a JMESPath expression');
const path = text('a path beginning with /').regex(/^\/(?!\/)\S*$/, { error: 'a path beginning with /' });
const dotted = text('a dotted path, such as customer.address').regex(/^[^.\s]+(\.[^.\s]+)*$/, {
  error: 'a dotted path, such as customer.address',
});
const names = (what: string) => z.array(text(what), { error: `a list of ${what}` });
const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())], { error: 'a JSON Schema' });

const forward = group({
  headers: z.array(headerName, { error: 'a list of header names' }).optional(),
  query: names('query parameters').optional(),
  cookies: names('cookies').optional(),
  body: flag().optional(),
});

const param = group({
  in: z
    .enum(['path', 'query', 'header', 'cookie'], { error: 'one of path, query, header, cookie' })
    .optional(),
  alias: text('what the request calls it').optional(),
  required: flag().optional(),
  description: text('text').optional(),
  type: z
    .enum(['string', 'integer', 'number', 'boolean', 'array'], {
      error: 'one of string, integer, number, boolean, array',
    })
    .optional(),
  items: z.record(z.string(), z.unknown()).optional(),
  enum: z.array(z.unknown(), { error: 'a list of values' }).optional(),
  default: z.unknown().optional(),
  format: text('a format of JSON Schema').optional(),
  pattern: text('a regular expression').optional(),
  minLength: count(0, 1_000_000).optional(),
  maxLength: count(0, 1_000_000).optional(),
  minimum: z.number({ error: 'a number' }).optional(),
  maximum: z.number({ error: 'a number' }).optional(),
  minItems: count(0, 1_000_000).optional(),
  maxItems: count(0, 1_000_000).optional(),
});

const forEach = group({
  items: expression,
  key: expression.optional(),
  batch: group({ size: count(1, 1_000), key: expression }).optional(),
  concurrency: count(1, 1_000).optional(),
  maxItems: count(1, 100_000).optional(),
  missing: z.unknown().optional(),
  collect: z.enum(['map', 'list'], { error: 'one of map, list' }).optional(),
  stitch: text('the field each item gets').optional(),
});

const part = group({
  upstream: text('the name of an upstream'),
  get: path.optional(),
  head: path.optional(),
  post: path.optional(),
  put: path.optional(),
  patch: path.optional(),
  delete: path.optional(),
  values: z.record(z.string(), z.unknown(), { error: 'a group of values' }).optional(),
  headers: z.record(headerName, z.unknown(), { error: 'a group of headers by name' }).optional(),
  forward: forward.optional(),
  body: z.unknown().optional(),
  idempotencyKey: z.unknown().optional(),
  required: flag().optional(),
  fallback: z.unknown().optional(),
  within: duration().optional(),
  when: expression.optional(),
  needs: names('parts').optional(),
  select: expression.optional(),
  pick: z.array(dotted, { error: 'a list of dotted paths' }).optional(),
  omit: z.array(dotted, { error: 'a list of dotted paths' }).optional(),
  rename: z.record(dotted, text('a new name'), { error: 'a group of new names by dotted path' }).optional(),
  as: dotted.optional(),
  flatten: flag().optional(),
  hidden: flag().optional(),
  merge: z
    .union([z.enum(['deep', 'concat']), group({ byKey: text('the field that is the key') })], {
      error: 'one of deep, concat, or a group with byKey',
    })
    .optional(),
  schema: jsonSchema.optional(),
  forEach: z.union([expression, forEach], { error: 'a JMESPath expression, or a group of keys' }).optional(),
});

const composite = group({
  get: path.optional(),
  post: path.optional(),
  put: path.optional(),
  patch: path.optional(),
  delete: path.optional(),
  summary: text('text').optional(),
  description: text('text').optional(),
  tags: names('tags').optional(),
  params: z.record(z.string(), param, { error: 'a group of parameters by name' }).optional(),
  bodySchema: jsonSchema.optional(),
  auth: z.enum(['bearer', 'basic', 'cookie'], { error: 'one of bearer, basic, cookie' }).optional(),
  forward: forward.optional(),
  deadline: duration().optional(),
  status: count(200, 299).optional(),
  partialStatus: count(200, 599).optional(),
  passThrough: z.array(count(300, 599), { error: 'a list of statuses' }).optional(),
  report: z.enum(['headers', 'body'], { error: 'one of headers, body' }).optional(),
  sparse: flag().optional(),
  parts: z.record(z.string(), part, { error: 'a group of parts by name' }),
});

/** The `composites` of a gateway file; what else stands in it is for other layers. */
export const compositesSchema = z.looseObject({
  composites: z.record(z.string(), composite, { error: 'a group of composites by name' }).optional(),
});

export type WrittenComposite = z.output<typeof composite>;
export type WrittenPart = z.output<typeof part>;
export type WrittenParam = z.output<typeof param>;
export type WrittenForward = z.output<typeof forward>;
export type WrittenForEach = z.output<typeof forEach>;
