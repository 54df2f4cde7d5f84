import { z } from 'zod';

const reason = z.enum([
  'timeout',
  'deadline',
  'connect',
  'reset',
  'status',
  'open',
  'full',
  'too-large',
  'invalid',
]);

/** The part report in a body; see `reportBody`. */
export const reportSchema = z
  .object({
    complete: z.boolean().describe('Whether nothing is missing'),
    parts: z
      .record(
        z.string(),
        z.object({
          state: z.enum(['ok', 'fallback', 'stale', 'skipped', 'failed']),
          reason: reason.optional(),
          ageSeconds: z.number().optional(),
          items: z
            .object({ done: z.int().min(0), of: z.int().min(1) })
            .optional()
            .describe('Of a list join: how many of its distinct items there are values for'),
          durationMs: z.number(),
        }),
      )
      .describe('How each part ended, by its name'),
  })
  .describe('The report of the headers, where the composite or the client asked for it in the body');

/** The shape of every error; see `ProblemDocument`. */
export const problemSchema = z.object({
  type: z.literal('about:blank'),
  title: z.string().describe('The name of the status'),
  status: z.int().min(400).max(599),
  detail: z.string().optional().describe('What happened, for a person'),
  part: z.string().optional().describe('The required part whose failure ended the composite'),
  reason: reason.optional().describe('Why that part failed'),
  requestId: z.string().describe('The id under which logs know the request'),
});

/** Of a request that is not valid. */
export const requestProblemSchema = problemSchema.extend({
  errors: z
    .array(
      z.object({
        in: z.enum(['path', 'query', 'header', 'cookie', 'body']),
        name: z.string().describe('The parameter, or the JSON pointer (RFC 6901) to the place in the body'),
        detail: z.string().describe('What was expected'),
      }),
    )
    .optional()
    .describe('Everything that is wrong with the request'),
});

/** Of a composite that writes. */
export const writeProblemSchema = problemSchema.extend({
  writes: z
    .record(z.string(), z.enum(['done', 'not-done', 'unknown', 'not-tried']))
    .optional()
    .describe('What became of the writes, by part'),
});

const text = { type: 'string' } as const;

export const REPORT_HEADERS = {
  'Composite-Complete': {
    description: 'Whether nothing is missing: ?1 or ?0 (RFC 9651 boolean)',
    schema: text,
    example: '?0',
  },
  'Composite-Parts': {
    description:
      'How each part ended (RFC 9651 list): state is ok, fallback, stale, skipped or failed; reason is timeout, ' +
      'deadline, connect, reset, status, open, full, too-large or invalid; age, of a stale part, is in s; items, ' +
      'of a list join, is how many of how many were found; dur is in ms',
    schema: text,
    example: 'customer;state=ok;dur=12, offers;state=fallback;reason=timeout;dur=300',
  },
  'Server-Timing': { description: 'The same durations, for browsers', schema: text },
  'Preference-Applied': {
    description: 'Which of the preferences in `Prefer` were honoured (RFC 7240)',
    schema: text,
  },
};

export const CACHING_HEADERS = {
  'Cache-Control': {
    description:
      'How long the response may be used again: the least of its parts; no-store if anything is missing',
    schema: text,
  },
  ETag: { description: 'By which `If-None-Match` asks whether the body has changed', schema: text },
  Vary: { description: 'Request headers on which the response may depend', schema: text },
};

export const REQUEST_ID_HEADER = {
  'X-Request-Id': { description: 'The id of this request: the one sent, or a new one', schema: text },
};

export const RETRY_AFTER_HEADER = {
  'Retry-After': { description: 'Seconds to stay away', schema: { type: 'integer' } as const },
};

export const PREFER_HEADER = {
  name: 'Prefer',
  required: false,
  description:
    '`handling=strict` makes every part required; `wait=2` shrinks the deadline to so many seconds; ' +
    '`report=body` puts the part report into the body, under `_composite`',
} as const;

/** A body that may hold the report. */
export function withReport(body: z.ZodObject): z.ZodObject {
  return body.safeExtend({ _composite: reportSchema.optional() });
}

/** As JSON Schema, in words that OpenAPI 3.0 and 3.1 share. */
export function documented(body: z.ZodType): object {
  // As input: a problem may have members that are not in here (RFC 9457, 3.2).
  const { $schema: _, ...schema } = z.toJSONSchema(body, { target: 'openapi-3.0', io: 'input' });
  return schema;
}
