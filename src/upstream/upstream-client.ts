import { type StandardSchemaV1 } from '@standard-schema/spec';
import { Injectable } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';
import { invalidAnswer, jsonBody, parsedBody, sendJson } from './json-call.js';
import { Upstream } from './upstream.js';
import { type UpstreamResponse } from './upstream-call.js';
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
        ? jsonBody
        : (answer: UpstreamResponse): unknown => parsedBody(this.upstream, schema, jsonBody(answer));
    return this.send(method, template, body, options, read);
  }

  private send<T>(
    method: string,
    template: string,
    body: unknown,
    options: RequestOptions,
    read: (response: UpstreamResponse) => T,
  ): Observable<T> {
    const { params = {}, deadlineMs, idempotencyKey, headers: given } = options;
    const headers = idempotencyKey === undefined ? given : { ...given, 'idempotency-key': idempotencyKey };
    let parsed: UrlTemplate;
    try {
      parsed = this.template(template);
    } catch (cause) {
      const detail = cause instanceof UrlTemplateError ? cause.message : undefined;
      return throwError(() => invalidAnswer(this.upstream, detail, cause));
    }
    return sendJson(this.upstream, { method, template: parsed, params, headers, body, deadlineMs }, read);
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
}

function headersOf({ headers }: UpstreamResponse): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(headers));
}
