import { InvalidAnswerError, invalidAnswer, jsonBody } from '../upstream/json-call.js';
import { isTooDeep, MAX_DEPTH } from '../upstream/json-depth.js';
import { type UpstreamResponse } from '../upstream/upstream-call.js';
import { type PartConfig } from './config/composite-config.js';
import { EvaluationError, type Expression } from './expression.js';
import { kindOf } from './expression-values.js';
import { isJsonObject } from './json-object.js';
import { type JsonFlaw, JsonValidator } from './json-validator.js';

/** What a part makes of an answer: its body, checked against the part's schema, and what is selected of it. */
export type AnswerReader = (response: UpstreamResponse) => unknown;

/**
 * Made once for a part. What it throws is an UpstreamError of reason `invalid`.
 *
 * @throws JsonSchemaError
 */
export function answerReader(
  {
    upstream: name,
    schema,
    flatten,
    forEach,
  }: Pick<PartConfig, 'upstream' | 'schema' | 'flatten' | 'forEach'>,
  select: Expression | undefined,
): AnswerReader {
  const validator = schema === undefined ? undefined : new JsonValidator(schema);
  // A join is flattened as a whole, and is an object whatever its values are.
  const hasToHaveKeys = flatten && forEach === undefined;
  return (response) => {
    const body = jsonBody(response);
    if (isTooDeep(body)) throw invalidAnswer({ name }, `nested more than ${MAX_DEPTH} deep`, undefined);
    const flaw = validator?.flawOf(body);
    if (flaw !== undefined) {
      const cause = misfit(flaw);
      throw invalidAnswer({ name }, cause.message, cause);
    }
    const value = select === undefined ? body : selected(name, select, body);
    if (hasToHaveKeys && value !== null && !isJsonObject(value)) {
      throw invalidAnswer({ name }, `flatten: expected an object and got ${kindOf(value)}`, undefined);
    }
    return value;
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
