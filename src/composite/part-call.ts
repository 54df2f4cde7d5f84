import { map, type Observable } from 'rxjs';
import { jsonBody, sendJson } from '../upstream/json-call.js';
import { type TemplateValue } from '../upstream/template-expression.js';
import { type Upstream } from '../upstream/upstream.js';
import { type Scope } from './expression.js';
import { type PlannedPart } from './plan.js';

/** Asks a part's upstream once; emits what the part selects of the answer. */
export function callPart(part: PlannedPart, upstream: Upstream, scope: Scope): Observable<unknown> {
  const { config, template, values, headers, body, select } = part;
  const params: Record<string, TemplateValue> = {};
  for (const [name, value] of values) params[name] = value.evaluate(scope) as TemplateValue;
  const sent: Record<string, string> = {};
  for (const [name, value] of headers) sent[name] = String(value.evaluate(scope));
  const call = {
    method: config.method,
    template,
    params,
    headers: sent,
    body: body?.evaluate(scope),
    deadlineMs: undefined,
  };
  const answer = sendJson(upstream, call, jsonBody);
  return select === undefined ? answer : answer.pipe(map((value) => select.evaluate(value as Scope)));
}
