import { ExpectedError } from '../resilience/expected-error.js';

/** An expression cannot be evaluated over the values it got. Its message names kinds, never values. */
export class EvaluationError extends ExpectedError {}

/** As JMESPath has it: null, false and what is empty; 0 is not. */
export function isFalse(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  if (typeof value !== 'object') return false;
  return Array.isArray(value) ? value.length === 0 : isEmpty(value);
}

function isEmpty(object: object): boolean {
  for (const key in object) if (Object.hasOwn(object, key)) return false;
  return true;
}

/** What a value is, for a person: `a list`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}
