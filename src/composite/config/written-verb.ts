import { type Place } from './place.js';

/** The verb that a group names, reported unless it is exactly one; undefined for none. */
export function writtenVerb<V extends string>(
  verbs: readonly V[],
  place: Place,
  expected: string,
): V | undefined {
  const [verb, ...more] = place.keys.filter((key): key is V => verbs.some((verb) => verb === key));
  if (verb === undefined) {
    const [first = [], ...others] = verbs.map((verb) => [...place.at, verb]);
    place.report.missing(first, `${expected}, under one of ${verbs.join(', ')}`, ...others);
  }
  for (const other of more) {
    place.below(other).unexpectedKey(`it next to ${String(verb)}`, 'one verb');
  }
  return verb;
}
