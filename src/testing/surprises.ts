import { jsonPlaces } from './json-shape.js';
import { type MatrixAnswer } from './matrix-answer.js';

/**
 * The answers in which several misbehaving upstreams come to more than each of them alone: another status than any of
 * them has alone, a part in a state, or a place of the body with something in it, that none of them explains.
 */
export function surprises(answers: readonly MatrixAnswer[]): readonly MatrixAnswer[] {
  const [allUp] = answers;
  if (allUp === undefined) return [];
  const alone = new Map<string, MatrixAnswer>();
  for (const answer of answers) {
    const [first, ...others] = misbehaving(answer);
    if (first !== undefined && others.length === 0) alone.set(first, answer);
  }
  return answers.filter((answer) => {
    const causes = misbehaving(answer);
    const each = causes.flatMap((cause) => alone.get(cause) ?? []);
    // With one of them untried nothing can be said.
    return causes.length > 1 && each.length === causes.length && !isExplained(answer, allUp, each);
  });
}

/** Who does what: `orders down`. */
function misbehaving({ when }: MatrixAnswer): readonly string[] {
  return Object.entries(when).flatMap(([part, behaviour]) =>
    behaviour === 'up' ? [] : [`${part} ${behaviour}`],
  );
}

function isExplained(answer: MatrixAnswer, allUp: MatrixAnswer, each: readonly MatrixAnswer[]): boolean {
  const failures = each.filter(hasFailed);
  if (hasFailed(answer)) return failures.some((failure) => headOf(failure) === headOf(answer));
  // What would fail alone may not be asked for at all: then the others explain it.
  const causes = each.filter((one) => !hasFailed(one));
  if (!causes.map(headOf).includes(headOf(answer))) return false;
  const places = (one: MatrixAnswer): ReadonlyMap<string, string> => jsonPlaces(one.body);
  return (
    isSuperposed(statesOf(answer), statesOf(allUp), causes.map(statesOf)) &&
    isSuperposed(places(answer), places(allUp), causes.map(places))
  );
}

function hasFailed({ status, failed }: MatrixAnswer): boolean {
  return status >= 400 || failed !== undefined;
}

function headOf({ status, complete, headers, failed, writes }: MatrixAnswer): string {
  return JSON.stringify([status, complete, headers, failed, writes]);
}

function statesOf({ parts }: MatrixAnswer): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(parts).map(([part, { state, reason }]) => [part, `${state} ${reason ?? ''}`]),
  );
}

/** Whether each place has what one of the changes has made of it, or what it had if none has changed it. */
function isSuperposed(
  found: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, string>,
  changes: readonly ReadonlyMap<string, string>[],
): boolean {
  const places = new Set([found, before, ...changes].flatMap((map) => [...map.keys()]));
  return [...places].every((place) => {
    const was = before.get(place);
    const changed = changes.map((change) => change.get(place)).filter((value) => value !== was);
    return changed.length === 0 ? found.get(place) === was : changed.includes(found.get(place));
  });
}
