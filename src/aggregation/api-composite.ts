import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import {
  CACHING_HEADERS,
  documented,
  PREFER_HEADER,
  problemSchema,
  REPORT_HEADERS,
  REQUEST_ID_HEADER,
  RETRY_AFTER_HEADER,
  withReport,
} from './composite-documentation.js';

export interface ApiCompositeOptions {
  /** The body of a 200: what each part holds. */
  readonly schema: z.ZodType;
  /** What a 200 is, in a sentence. */
  readonly description: string;
  /** Whether an upstream's 404 can become the response's. Default true. */
  readonly notFound?: boolean;
}

/** Documents a handler that answers a composite: its body, the partial-response headers, and its problem documents. */
export function ApiComposite({ schema, description, notFound = true }: ApiCompositeOptions): MethodDecorator {
  return applyDecorators(
    ApiHeader(PREFER_HEADER),
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
  const schema = documented(body);
  return ApiResponse({
    status,
    description,
    headers: { ...headers, ...REQUEST_ID_HEADER },
    content: { 'application/problem+json': { schema } },
  });
}
