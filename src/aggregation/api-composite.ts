import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';

export interface ApiCompositeOptions {
  /** The body of a 200: what each part holds. */
  readonly schema: z.ZodType;
  /** What a 200 is, in a sentence. */
  readonly description: string;
  /** Whether an upstream's 404 can become the response's. Default true. */
  readonly notFound?: boolean;
}

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
const reportSchema = z
  .object({
    complete: z.boolean().describe('Whether nothing is missing'),
    parts: z
      .record(
        z.string(),
        z.object({
          state: z.enum(['ok', 'fallback', 'stale', 'skipped', 'failed']),
          reason: reason.optional(),
          ageSeconds: z.number().optional(),
          durationMs: z.number(),
        }),
      )
      .describe('How each part ended, by its name'),
  })
  .describe('The report of the headers, where the composite or the client asked for it in the body');

/** The shape of every error; see `ProblemDocument`. */
const problemSchema = z.object({
  type: z.literal('about:blank'),
  title: z.string().describe('The name of the status'),
  status: z.int().min(400).max(599),
  detail: z.string().optional().describe('What happened, for a person'),
  part: z.string().optional().describe('The required part whose failure ended the composite'),
  reason: reason.optional().describe('Why that part failed'),
  requestId: z.string().describe('The id under which logs know the request'),
});

const text = { type: 'string' } as const;

const REPORT_HEADERS = {
  'Composite-Complete': {
    description: 'Whether nothing is missing: ?1 or ?0 (RFC 9651 boolean)',
    schema: text,
    example: '?0',
  },
  'Composite-Parts': {
    description:
      'How each part ended (RFC 9651 list): state is ok, fallback, stale, skipped or failed; reason is timeout, ' +
      'deadline, connect, reset, status, open, full, too-large or invalid; age, of a stale part, is in s; dur is in ms',
    schema: text,
    example: 'customer;state=ok;dur=12, offers;state=fallback;reason=timeout;dur=300',
  },
  'Server-Timing': { description: 'The same durations, for browsers', schema: text },
  'Preference-Applied': {
    description: 'Which of the preferences in `Prefer` were honoured (RFC 7240)',
    schema: text,
  },
};

const CACHING_HEADERS = {
  'Cache-Control': {
    description:
      'How long the response may be used again: the least of its parts; no-store if anything is missing',
    schema: text,
  },
  ETag: { description: 'By which `If-None-Match` asks whether the body has changed', schema: text },
  Vary: { description: 'Request headers on which the response may depend', schema: text },
};

const REQUEST_ID_HEADER = {
  'X-Request-Id': { description: 'The id of this request: the one sent, or a new one', schema: text },
};

const RETRY_AFTER_HEADER = {
  'Retry-After': { description: 'Seconds to stay away', schema: { type: 'integer' } as const },
};

/** Documents a handler that answers a composite: its body, the partial-response headers, and its problem documents. */
export function ApiComposite({ schema, description, notFound = true }: ApiCompositeOptions): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'Prefer',
      required: false,
      description:
        '`handling=strict` makes every part required; `wait=2` shrinks the deadline to so many seconds; ' +
        '`report=body` puts the part report into the body, under `_composite`',
    }),
    ApiResponse({
      status: 200,
      description,
      standardSchema: schema instanceof z.ZodObject ? withReport(schema) : schema,
      headers: { ...REPORT_HEADERS, ...CACHING_HEADERS, ...REQUEST_ID_HEADER },
    }),
    ApiResponse({
      status: 304,
      description: 'The body that `If-None-Match` names is still right',
      headers: { ...REPORT_HEADERS, ...CACHING_HEADERS, ...REQUEST_ID_HEADER },
    }),
    ApiProblem(400, 'The request is not valid'),
    ...(notFound ? [compositeProblem(404, 'A required part does not exist')] : []),
    compositeProblem(502, 'A required part could not be reached, or gave no usable answer'),
    compositeProblem(503, 'A required part is failing or busy, and was not asked', RETRY_AFTER_HEADER),
    compositeProblem(504, 'A required part did not answer in time'),
  );
}

/** Documents a problem response (RFC 9457). */
export function ApiProblem(
  status: number,
  description: string,
  headers: object = {},
): MethodDecorator & ClassDecorator {
  return problem(status, description, headers, problemSchema);
}

function compositeProblem(status: number, description: string, headers: object = {}): MethodDecorator {
  return problem(status, description, { ...REPORT_HEADERS, ...headers }, withReport(problemSchema));
}

function problem(
  status: number,
  description: string,
  headers: object,
  body: z.ZodType,
): MethodDecorator & ClassDecorator {
  // As input: a problem may have members that are not in here (RFC 9457, 3.2).
  const { $schema: _, ...schema } = z.toJSONSchema(body, { target: 'openapi-3.0', io: 'input' });
  return ApiResponse({
    status,
    description,
    headers: { ...headers, ...REQUEST_ID_HEADER },
    content: { 'application/problem+json': { schema } },
  } as Parameters<typeof ApiResponse>[0]);
}

function withReport(body: z.ZodObject): z.ZodObject {
  return body.safeExtend({ _composite: reportSchema.optional() });
}
