import { type Observable, throwError } from 'rxjs';
import { invalidAnswer, type JsonCall, sendJson } from '../upstream/json-call.js';
import { type TemplateValue } from '../upstream/template-expression.js';
import { type Upstream } from '../upstream/upstream.js';
import { clientOf } from './composite-input.js';
import { EvaluationError, type Scope } from './expression.js';
import { kindOf } from './expression-values.js';
import { type Forwarding } from './forwarding.js';
import { type PlannedPart } from './plan.js';
import { type ValueTemplate } from './value-template.js';

/**
 * Asks a part's upstream once, with values from the scope; emits what the part selects of the answer. Values that cannot
 * be sent are an UpstreamError of reason `invalid`, and nothing is sent.
 */
export function callPart(part: PlannedPart, upstream: Upstream, scope: Scope): Observable<unknown> {
  let call: JsonCall;
  try {
    call = callOf(part, scope);
  } catch (error) {
    return unevaluated(upstream, undefined, error);
  }
  return sendJson(upstream, call, part.read);
}

/** A part that failed as `invalid` because an expression could not be evaluated; `key` says which. */
export function unevaluated(upstream: Upstream, key: string | undefined, error: unknown): Observable<never> {
  const said = error instanceof EvaluationError ? error.message : undefined;
  const detail = said === undefined || key === undefined ? said : `${key}: ${said}`;
  return throwError(() => invalidAnswer(upstream, detail, error));
}

function callOf({ config, template, values, forwarding, ...part }: PlannedPart, scope: Scope): JsonCall {
  const { method } = config;
  const params: Record<string, TemplateValue> = {};
  for (const [name, value] of values) params[name] = evaluated('values', name, value, scope) as TemplateValue;
  const headers = headersOf(part, forwarding, scope);
  const body = bodyOf(part.body, forwarding, scope);
  const client = forwarding === undefined ? undefined : clientOf(scope);
  const query = client === undefined ? undefined : forwarding?.queryOf(client);
  if (body === undefined || (typeof body === 'object' && body !== null)) {
    return { method, template, params, query, headers, body, deadlineMs: undefined };
  }
  // The pipeline takes a text for one that is JSON already, and leaves null, false and 0 out.
  headers['content-type'] ??= 'application/json';
  const data = Buffer.from(JSON.stringify(body));
  return { method, template, params, query, headers, body: data, deadlineMs: undefined };
}

function headersOf(
  { headers, idempotencyKey }: Pick<PlannedPart, 'headers' | 'idempotencyKey'>,
  forwarding: Forwarding | undefined,
  scope: Scope,
): Record<string, string> {
  const sent: Record<string, string> = {};
  const client = forwarding === undefined ? undefined : clientOf(scope);
  if (client !== undefined) forwarding?.addHeaders(sent, client);
  for (const [name, value] of headers)
    addHeader(sent, name, evaluated('headers', name, value, scope), 'headers');
  if (idempotencyKey !== undefined) {
    const key = evaluated('idempotencyKey', '', idempotencyKey, scope);
    addHeader(sent, 'idempotency-key', key, 'idempotencyKey');
  }
  return sent;
}

function bodyOf(
  template: ValueTemplate | undefined,
  forwarding: Forwarding | undefined,
  scope: Scope,
): unknown {
  if (template !== undefined) return evaluated('body', '', template, scope);
  return forwarding?.body === true ? clientOf(scope)?.body : undefined;
}

/** What arrives is what was meant: one line, in bytes that headers can hold, with nothing around it that goes missing. */
const SENDABLE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** Adds a header; null leaves it out. */
function addHeader(headers: Record<string, string>, name: string, value: unknown, key: string): void {
  if (value === null || value === undefined) return;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw new EvaluationError(
      `${key}: '${name}' expected text, a number or a boolean and got ${kindOf(value)}`,
    );
  }
  const text = String(value);
  if (!SENDABLE.test(text)) {
    throw new EvaluationError(`${key}: '${name}' got text that no header can hold`);
  }
  headers[name] = text;
}

/** The value of a template; what is wrong with it names where it stands in the file. */
function evaluated(key: string, name: string, template: ValueTemplate, scope: Scope): unknown {
  try {
    return template.evaluate(scope);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    const place = name === '' ? key : `${key}.${name}`;
    throw new EvaluationError(`${place}: ${error.message}`, { cause: error });
  }
}
