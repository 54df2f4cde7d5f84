import { type StandardSchemaV1 } from '@standard-schema/spec';
import { Injectable } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { VERDICTS } from '../resilience/verdict.js';
import { isSuccess } from './shared-request.js';
import { Upstream } from './upstream.js';
import { type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type TemplateValues, UrlTemplateError } from './template-expression.js';
import { UrlTemplate } from './url-template.js';

export interface RequestOptions {
  /** Values for the variables of the URL template. A missing one is refused; see {@link UrlTemplate}. */
  readonly params?: TemplateValues;
  readonly headers?: Readonly<Record<string, string>>;
  /** Shrinks the call's deadline, in ms. Default: the upstream's `deadlineMs`, and never more than the request's. */
  readonly deadlineMs?: number;
  /** Sent as `Idempotency-Key`; makes a POST or PATCH safe to repeat. */
  readonly idempotencyKey?: string;
}

export interface ParsedRequestOptions<S extends StandardSchemaV1> extends RequestOptions {
  /** Parses the answer: zod, or anything else that speaks Standard Schema. It must be synchronous. */
  readonly schema: S;
}

type Answer<S extends StandardSchemaV1> = Observable<StandardSchemaV1.InferOutput<S>>;

/** Templates a client keeps parsed. They are literals in code, so this is only a guard against ones that are not. */
const MAX_TEMPLATES = 500;

/**
 * The injectable client of one upstream; a service's own client extends it and gives its calls names. Singleton:
 * what belongs to the running request (deadline, id, forwarded headers) comes from the {@link RequestContext}.
 *
 * Each method takes an RFC 6570 URL template and answers a cold Observable of the JSON body: parsed by `schema` where
 * one is given, `unknown` otherwise, `null` for an empty body. It emits {@link UpstreamError} and nothing else.
 */
// Decorated, so that clients without a constructor of their own inherit what Nest is to inject.
@Injectable()
export abstract class UpstreamClient {
  private readonly templates = new Map<string, UrlTemplate>();

  constructor(protected readonly upstream: Upstream) {}

  protected get<S extends StandardSchemaV1>(template: string, options: ParsedRequestOptions<S>): Answer<S>;
  protected get(template: string, options?: RequestOptions): Observable<unknown>;
  protected get(template: string, options: RequestOptions = {}): Observable<unknown> {
    return this.request('GET', template, undefined, options);
  }

  protected delete<S extends StandardSchemaV1>(template: string, options: ParsedRequestOptions<S>): Answer<S>;
  protected delete(template: string, options?: RequestOptions): Observable<unknown>;
  protected delete(template: string, options: RequestOptions = {}): Observable<unknown> {
    return this.request('DELETE', template, undefined, options);
  }

  protected post<S extends StandardSchemaV1>(
    template: string,
    body: unknown,
    options: ParsedRequestOptions<S>,
  ): Answer<S>;
  protected post(template: string, body: unknown, options?: RequestOptions): Observable<unknown>;
  protected post(template: string, body: unknown, options: RequestOptions = {}): Observable<unknown> {
    return this.request('POST', template, body, options);
  }

  protected put<S extends StandardSchemaV1>(
    template: string,
    body: unknown,
    options: ParsedRequestOptions<S>,
  ): Answer<S>;
  protected put(template: string, body: unknown, options?: RequestOptions): Observable<unknown>;
  protected put(template: string, body: unknown, options: RequestOptions = {}): Observable<unknown> {
    return this.request('PUT', template, body, options);
  }

  protected patch<S extends StandardSchemaV1>(
    template: string,
    body: unknown,
    options: ParsedRequestOptions<S>,
  ): Answer<S>;
  protected patch(template: string, body: unknown, options?: RequestOptions): Observable<unknown>;
  protected patch(template: string, body: unknown, options: RequestOptions = {}): Observable<unknown> {
    return this.request('PATCH', template, body, options);
  }

  /** Emits the response's headers, names in lower case. */
  protected head(
    template: string,
    options: RequestOptions = {},
  ): Observable<Readonly<Record<string, unknown>>> {
    return this.send('HEAD', template, undefined, options, headersOf);
  }

  private request(
    method: string,
    template: string,
    body: unknown,
    options: RequestOptions & { readonly schema?: StandardSchemaV1 },
  ): Observable<unknown> {
    const { schema } = options;
    const read =
      schema === undefined
        ? bodyOf
        : (answer: UpstreamResponse): unknown => this.parse(schema, bodyOf(answer));
    return this.send(method, template, body, options, read);
  }

  private send<T>(
    method: string,
    template: string,
    body: unknown,
    options: RequestOptions,
    read: (response: UpstreamResponse) => T,
  ): Observable<T> {
    let url: string;
    try {
      url = this.template(template).expand(options.params ?? {});
    } catch (cause) {
      return throwError(() => this.invalid(detailOf(cause), cause));
    }
    const { deadlineMs, idempotencyKey, headers } = options;
    const request = {
      method,
      url,
      headers: idempotencyKey === undefined ? headers : { ...headers, 'idempotency-key': idempotencyKey },
      data: body,
      deadlineMs,
      responseType: 'json',
      transitional: STRICT_JSON,
      // Said for every call: whoever shares the upstream may have changed the default of its axios instance.
      validateStatus: isSuccess,
    } as const;
    return this.upstream.send(request, read);
  }

  private template(source: string): UrlTemplate {
    let template = this.templates.get(source);
    if (template === undefined) {
      template = new UrlTemplate(source);
      if (this.templates.size >= MAX_TEMPLATES) this.templates.clear();
      this.templates.set(source, template);
    }
    return template;
  }

  private parse(schema: StandardSchemaV1, body: unknown): unknown {
    let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
    try {
      result = schema['~standard'].validate(body);
    } catch (cause) {
      throw this.invalid('the schema of its answer threw an error', cause);
    }
    if ('then' in result) {
      // Nobody waits for it: what it may be rejected with is not to end the process.
      result.then(undefined, () => undefined);
      throw this.invalid('the schema of its answer must be synchronous', undefined);
    }
    if (result.issues === undefined) return result.value;
    const cause = new InvalidAnswerError(result.issues);
    throw this.invalid(cause.message, cause);
  }

  private invalid(detail: string | undefined, cause: unknown): UpstreamError {
    const { name: upstream } = this.upstream;
    return new UpstreamError({ upstream, reason: 'invalid', verdict: VERDICTS.neutral, detail, cause });
  }
}

/** The answer was JSON, but not what the client's schema expects. Its message names paths, never values. */
export class InvalidAnswerError extends Error {
  override readonly name = 'InvalidAnswerError';

  constructor(readonly issues: readonly StandardSchemaV1.Issue[]) {
    super(`the answer does not fit its schema at ${placesOf(issues)}`);
  }
}

/** Without this, axios hands a body that is not JSON on as a string. */
const STRICT_JSON = { silentJSONParsing: false };

function headersOf({ headers }: UpstreamResponse): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(headers));
}

function bodyOf({ data }: UpstreamResponse): unknown {
  return data === '' || data === undefined ? null : data;
}

/** A template's own words name variables and flaws, no values; another error's may hold anything. */
function detailOf(error: unknown): string | undefined {
  return error instanceof UrlTemplateError ? error.message : undefined;
}

/** Places an error names; a list of a thousand may be wrong at each. */
const MAX_PLACES = 5;

function placesOf(issues: readonly StandardSchemaV1.Issue[]): string {
  const places = issues.slice(0, MAX_PLACES).map(pathOf).join(', ');
  return issues.length > MAX_PLACES ? `${places} and ${issues.length - MAX_PLACES} more` : places;
}

function pathOf({ path = [] }: StandardSchemaV1.Issue): string {
  return path.length === 0
    ? 'its root'
    : path.map((key) => (typeof key === 'object' ? String(key.key) : String(key))).join('.');
}
