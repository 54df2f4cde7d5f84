import { InvalidAnswerError, invalidAnswer, jsonBody } from '../upstream/json-call.js';
import { type UpstreamResponse } from '../upstream/upstream-call.js';
import { type PartConfig } from './config/composite-config.js';
import { EvaluationError, type Expression } from './expression.js';
import { type JsonFlaw, JsonValidator } from './json-validator.js';

/** What a part makes of an answer: its body, checked against the part's schema, and what is selected of it. */
export type AnswerReader = (response: UpstreamResponse) => unknown;

/**
 * Made once for a part. What it throws is an UpstreamError of reason `invalid`.
 *
 * @throws JsonSchemaError
 */
export function answerReader(
  { upstream: name, schema }: Pick<PartConfig, 'upstream' | 'schema'>,
  select: Expression | undefined,
): AnswerReader {
  if (schema === undefined && select === undefined) return jsonBody;
  const validator = schema === undefined ? undefined : new JsonValidator(schema);
  return (response) => {
    const body = jsonBody(response);
    const flaw = validator?.flawOf(body);
    if (flaw !== undefined) {
      const cause = misfit(flaw);
      throw invalidAnswer({ name }, cause.message, cause);
    }
    return select === undefined ? body : selected(name, select, body);
  };
}

function selected(name: string, select: Expression, body: unknown): unknown {
  try {
    return select.evaluate(body);
  } catch (cause) {
    const detail = cause instanceof EvaluationError ? `select: ${cause.message}` : undefined;
    throw invalidAnswer({ name }, detail, cause);
  }
}

function misfit({ pointer, detail }: JsonFlaw): InvalidAnswerError {
  const path = pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return new InvalidAnswerError([{ message: detail, path }]);
}
