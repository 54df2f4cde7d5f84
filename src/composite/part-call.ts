import { type Observable, throwError } from 'rxjs';
import { RequestProblem } from '../aggregation/request-problem.js';
import { invalidAnswer, type JsonCall, sendJson } from '../upstream/json-call.js';
import {
  type TemplateValue,
  type TemplateValues,
  UrlTemplateError,
} from '../upstream/template-expression.js';
import { type Upstream } from '../upstream/upstream.js';
import { clientOf } from './composite-input.js';
import { EvaluationError, type Scope } from './expression.js';
import { type Forwarding } from './forwarding.js';
import { type PlannedPart } from './plan.js';
import { type ValueTemplate } from './value-template.js';

/**
 * Asks a part's upstream once, with values from the scope; emits what the part selects of the answer. Where values cannot
 * be sent, nothing is: it is a RequestProblem if they are the client's, otherwise an UpstreamError of reason `invalid`.
 */
export function callPart(part: PlannedPart, upstream: Upstream, scope: Scope): Observable<unknown> {
  let call: JsonCall;
  try {
    call = callOf(part, scope);
  } catch (error) {
    return error instanceof RequestProblem
      ? throwError(() => error)
      : unevaluated(upstream, undefined, error);
  }
  return sendJson(upstream, call, part.read);
}

/** A part that failed as `invalid` because an expression could not be evaluated; `key` says which. */
export function unevaluated(upstream: Upstream, key: string | undefined, error: unknown): Observable<never> {
  const said = error instanceof EvaluationError ? error.message : undefined;
  const detail = said === undefined || key === undefined ? said : `${key}: ${said}`;
  return throwError(() => invalidAnswer(upstream, detail, error));
}

/**
 * What stands for the variables of a part's URL.
 *
 * @throws EvaluationError also for one that is made of other parts and is null: left out, it would ask for all there is.
 */
function urlValues({ values, clientValues }: PlannedPart, scope: Scope): TemplateValues {
  const params: Record<string, TemplateValue> = {};
  for (const [name, value] of values) {
    const found = evaluated('values', name, value, scope) as TemplateValue;
    if (found === null && clientValues.isOfParts(name)) {
      throw new EvaluationError(`values.${name}: expected a value, since it refers to a part, and got null`);
    }
    params[name] = found;
  }
  return params;
}

/**
 * Checks what the client has sent for the URL of a part, where that is made of nothing else.
 *
 * @throws RequestProblem
 */
export function checkUrlValues(part: PlannedPart, scope: Scope): void {
  try {
    part.template.expand(urlValues(part, scope));
  } catch (error) {
    const problem = error instanceof UrlTemplateError ? part.clientValues.urlRefusal(error) : undefined;
    // What else is wrong with it fails the part, once its turn comes.
    if (problem !== undefined) throw problem;
  }
}

function callOf(part: PlannedPart, scope: Scope): JsonCall {
  const { config, template, forwarding } = part;
  const { method } = config;
  const refusal = part.clientValues.urlRefusal;
  const params = urlValues(part, scope);
  const headers = headersOf(part, forwarding, scope);
  const body = bodyOf(part.body, forwarding, scope);
  const client = forwarding === undefined ? undefined : clientOf(scope);
  const query = client === undefined ? undefined : forwarding?.queryOf(client);
  if (body === undefined || (typeof body === 'object' && body !== null)) {
    return { method, template, params, query, headers, body, deadlineMs: undefined, refusal };
  }
  // The pipeline takes a text for one that is JSON already, and leaves null, false and 0 out.
  headers['content-type'] ??= 'application/json';
  const data = Buffer.from(JSON.stringify(body));
  return { method, template, params, query, headers, body: data, deadlineMs: undefined, refusal };
}

function headersOf(
  { headers, idempotencyKey, clientValues }: PlannedPart,
  forwarding: Forwarding | undefined,
  scope: Scope,
): Record<string, string> {
  const sent: Record<string, string> = {};
  const client = forwarding === undefined ? undefined : clientOf(scope);
  if (client !== undefined) forwarding?.addHeaders(sent, client);
  for (const [name, template] of headers) {
    const value = evaluated('headers', name, template, scope);
    // Null leaves it out.
    if (value === null) continue;
    if (!isSendable(value)) {
      throw clientValues.headerRefusal(name, SENDABLE_ONLY) ?? unsendable('headers', name);
    }
    sent[name] = String(value);
  }
  if (idempotencyKey === undefined) return sent;
  const key = evaluated('idempotencyKey', '', idempotencyKey, scope);
  if (key === null) return sent;
  if (!isSendable(key)) {
    throw (
      clientValues.idempotencyKeyRefusal(SENDABLE_ONLY) ?? unsendable('idempotencyKey', 'idempotency-key')
    );
  }
  sent['idempotency-key'] = String(key);
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

const SENDABLE_ONLY = 'must be text, a number or a boolean that a header can hold';

function isSendable(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return SENDABLE.test(value);
  return typeof value === 'number' || typeof value === 'boolean';
}

function unsendable(key: string, name: string): EvaluationError {
  return new EvaluationError(`${key}: '${name}' ${SENDABLE_ONLY}`);
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
