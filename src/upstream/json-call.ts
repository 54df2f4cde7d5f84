import { type StandardSchemaV1 } from '@standard-schema/spec';
import { type Observable, throwError } from 'rxjs';
import { VERDICTS } from '../resilience/verdict.js';
import { isSuccess } from './shared-request.js';
import { type TemplateValues, UrlTemplateError } from './template-expression.js';
import { type Upstream } from './upstream.js';
import { type UpstreamRequest, type UpstreamResponse } from './upstream-call.js';
import { UpstreamError } from './upstream-error.js';
import { type UrlTemplate } from './url-template.js';

/** One call of an upstream that answers JSON. */
export interface JsonCall {
  /** In upper case. */
  readonly method: string;
  readonly template: UrlTemplate;
  /** Values for the template's variables. */
  readonly params: TemplateValues;
  /** Encoded query parameters to stand behind those of the template: `q=a%26b&page=2`. Default none. */
  readonly query?: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON; undefined for none. */
  readonly body: unknown;
  readonly deadlineMs: number | undefined;
  /** What a template that got no usable value means to the caller; undefined to leave it `invalid`. */
  readonly refusal?: ((error: UrlTemplateError) => Error | undefined) | undefined;
}

/**
 * Asks an upstream for JSON. Cold; emits what `read` makes of the answer, and {@link UpstreamError} and nothing else:
 * a template that got no usable value is one of reason `invalid` (or what `refusal` makes of it), and nothing is sent.
 */
export function sendJson<T>(
  upstream: Upstream,
  { method, template, params, query, headers, body, deadlineMs, refusal }: JsonCall,
  read: (response: UpstreamResponse) => T,
): Observable<T> {
  let url: string;
  try {
    url = withQuery(template.expand(params), query);
  } catch (cause) {
    const refused = cause instanceof UrlTemplateError ? refusal?.(cause) : undefined;
    return throwError(() => refused ?? invalidAnswer(upstream, detailOf(cause), cause));
  }
  const request: UpstreamRequest = {
    method,
    url,
    headers: hasContent(body, method) ? headers : withoutContentType(headers),
    data: body,
    deadlineMs,
    urlTemplate: template.source,
    responseType: 'json',
    transitional: STRICT_JSON,
    // Said for every call: whoever shares the upstream may have changed the default of its axios instance.
    validateStatus: isSuccess,
  };
  return upstream.send(request, read);
}

function withQuery(url: string, query = ''): string {
  if (query === '') return url;
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}

/** What there is to describe by a content type. Axios calls nothing at all a form, where the verb may have a body. */
function hasContent(body: unknown, method: string): boolean {
  return (body !== undefined && body !== null) || !TAKES_BODY.has(method);
}

const TAKES_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** Unless the caller says otherwise. */
function withoutContentType(headers: JsonCall['headers'] = {}): UpstreamRequest['headers'] {
  const isGiven = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  return isGiven ? headers : { ...headers, 'content-type': false };
}

/** The body of a JSON answer; null for an empty one. */
export function jsonBody({ data }: UpstreamResponse): unknown {
  return data === '' || data === undefined ? null : data;
}

/**
 * The body as a schema parses it.
 *
 * @throws UpstreamError of reason `invalid` if it does not fit.
 */
export function parsedBody(upstream: Upstream, schema: StandardSchemaV1, body: unknown): unknown {
  let result: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    result = schema['~standard'].validate(body);
  } catch (cause) {
    throw invalidAnswer(upstream, 'the schema of its answer threw an error', cause);
  }
  if ('then' in result) {
    // Nobody waits for it: what it may be rejected with is not to end the process.
    result.then(undefined, () => undefined);
    throw invalidAnswer(upstream, 'the schema of its answer must be synchronous', undefined);
  }
  if (result.issues === undefined) return result.value;
  const cause = new InvalidAnswerError(result.issues);
  throw invalidAnswer(upstream, cause.message, cause);
}

/** An answer that cannot be used, or a call that cannot be made. */
export function invalidAnswer(
  { name: upstream }: Pick<Upstream, 'name'>,
  detail: string | undefined,
  cause: unknown,
): UpstreamError {
  return new UpstreamError({ upstream, reason: 'invalid', verdict: VERDICTS.neutral, detail, cause });
}

/** The answer was JSON, but not what its schema expects. Its message names paths, never values. */
export class InvalidAnswerError extends Error {
  override readonly name = 'InvalidAnswerError';

  constructor(readonly issues: readonly StandardSchemaV1.Issue[]) {
    super(`the answer does not fit its schema at ${placesOf(issues)}`);
  }
}

/** Without this, axios hands a body that is not JSON on as a string. */
const STRICT_JSON = { silentJSONParsing: false };

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
