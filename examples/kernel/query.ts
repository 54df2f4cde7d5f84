import { unknownName } from './nearest-name.js';
import { Refusal } from './refusal.js';

/** How many records a list answers when neither limit nor batch says. */
const DEFAULT_LIMIT = 100;
/** The most a list answers at once: the longest data set in full. */
const MOST = 5_000;
/** The most records one batch may name. */
const LONGEST_BATCH = 500;

/** The query string of a request; what is malformed is refused with 400, naming the parameter. */
export class Query {
  constructor(private readonly parameters: URLSearchParams) {}

  /** Refuses parameters the route does not know: a misspelt filter must not answer everything. */
  allowOnly(known: readonly string[]): void {
    for (const name of this.parameters.keys()) {
      if (!known.includes(name)) throw new Refusal(400, unknownName('query parameter', name, known));
    }
  }

  /** A parameter given at most once. */
  text(name: string): string | undefined {
    const values = this.parameters.getAll(name);
    if (values.length > 1)
      throw new Refusal(400, `"${name}" is given ${values.length} times; once is enough.`);
    return values[0];
  }

  /** A parameter that names a record, such as `c-42`: its prefix, a dash and a number. */
  reference(name: string, prefix: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined && !isReference(value, prefix)) throw notA(name, prefix, value);
    return value;
  }

  /** A parameter that must be one of the given values. */
  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = values.find((candidate) => candidate === value);
    if (match === undefined) throw new Refusal(400, unknownName(name, value, values));
    return match;
  }

  /** References in a comma-separated or repeated parameter, each once; undefined when it is absent. */
  batch(name: string, prefix: string): readonly string[] | undefined {
    if (!this.parameters.has(name)) return undefined;
    const values = this.parameters.getAll(name).flatMap((list) => (list === '' ? [] : list.split(',')));
    const references = new Set(values);
    if (references.size > LONGEST_BATCH) {
      throw new Refusal(400, `"${name}" names ${references.size} records; at most ${LONGEST_BATCH} at once.`);
    }
    for (const value of references) {
      if (!isReference(value, prefix)) throw notA(name, prefix, value);
    }
    return [...references];
  }

  /** The part of a list that `limit` (at most 5,000) and `offset` (default 0) ask for. */
  page<T>(items: readonly T[], defaultLimit = DEFAULT_LIMIT): readonly T[] {
    const offset = this.integer('offset', 0, Number.MAX_SAFE_INTEGER);
    return items.slice(offset, offset + this.integer('limit', defaultLimit, MOST));
  }

  private integer(name: string, otherwise: number, most: number): number {
    const value = this.text(name);
    if (value === undefined) return otherwise;
    const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number <= most)) {
      throw new Refusal(
        400,
        `"${name}" must be a whole number from 0 to ${most}, not "${value.slice(0, 40)}".`,
      );
    }
    return number;
  }
}

/** Whether a value has the form of a record's name: `c-42` for the prefix `c`. */
export function isReference(value: unknown, prefix: string): value is string {
  return (
    typeof value === 'string' &&
    value.startsWith(`${prefix}-`) &&
    /^[1-9]\d{0,8}$/.test(value.slice(prefix.length + 1))
  );
}

function notA(name: string, prefix: string, value: string): Refusal {
  return new Refusal(400, `"${name}" must look like "${prefix}-42", not "${value.slice(0, 40)}".`);
}
