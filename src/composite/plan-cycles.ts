import { type Place } from './config/place.js';
import { type ReadPart } from './part-reading.js';
import { type Reference } from './scope-reader.js';

/**
 * Reports parts that wait for each other: each cycle once, as a whole, where the first of its parts refers to the next.
 * Parts in a cycle are in no other one that is reported.
 *
 * @returns whether there is one.
 */
export function reportCycles(parts: readonly ReadPart[], file: Place): boolean {
  const references = new Map(parts.map(({ config, scope }) => [config.name, scope.references]));
  const reported = new Set<string>();
  for (const { config } of parts) {
    if (reported.has(config.name)) continue;
    const cycle = shortestCycle(config.name, references);
    const [first] = cycle;
    if (first === undefined || cycle.some(({ part }) => reported.has(part))) continue;
    for (const { part } of cycle) reported.add(part);
    const found = `a cycle: ${[config.name, ...cycle.map(({ part }) => part)].join(' -> ')}`;
    const expected = 'parts that do not wait for each other: take out one of these references';
    const place = file.below(...first.at);
    if (first.offset === undefined) place.unexpected(expected, found);
    else place.unexpectedWithin(first.offset, found, expected);
  }
  return reported.size > 0;
}

/** The references that lead from a part back to it; none if it is in no cycle. */
function shortestCycle(
  start: string,
  references: ReadonlyMap<string, readonly Reference[]>,
): readonly Reference[] {
  const seen = new Set<string>();
  let paths: (readonly Reference[])[] = [[]];
  while (paths.length > 0) {
    const longer: (readonly Reference[])[] = [];
    for (const path of paths) {
      for (const reference of references.get(path.at(-1)?.part ?? start) ?? []) {
        if (reference.part === start) return [...path, reference];
        if (seen.has(reference.part)) continue;
        seen.add(reference.part);
        longer.push([...path, reference]);
      }
    }
    paths = longer;
  }
  return [];
}
