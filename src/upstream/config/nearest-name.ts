// Costs of one slip. A changed letter costs more than a lost, doubled or swapped one, because those are the slips
// people make; it is what tells `urs` (urls with a letter lost) from `urs` (url with a letter changed).
const SWAPPED = 2;
const LOST_OR_ADDED = 2;
const CHANGED = 3;

/** Letters it takes to be allowed another slip: `url` may hold one, `failureRateThresholdPercent` seven. */
const LETTERS_PER_SLIP = 4;

const UNIT = /(?:ms|bytes|percent)$/;

/**
 * The candidate that `name` is most probably a misspelling of, or undefined if none is near.
 * Case, `-` and `_` do not count (`max_attempts` means `maxAttempts`), nor does a forgotten unit (`open` means
 * `openMs`). Among equals the one of nearest length wins, then the first.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  const written = letters(name);
  const slips = Math.max(1, Math.floor(written.length / LETTERS_PER_SLIP));
  const allowed = slips * CHANGED;
  let nearest: { readonly name: string; readonly cost: number; readonly lengthGap: number } | undefined;
  for (const candidate of candidates) {
    const meant = letters(candidate);
    const cost = Math.min(
      costWithin(allowed, written, meant),
      1 + costWithin(allowed - 1, written, meant.replace(UNIT, '')),
    );
    const lengthGap = Math.abs(written.length - meant.length);
    const nearer =
      !nearest || cost < nearest.cost || (cost === nearest.cost && lengthGap < nearest.lengthGap);
    if (nearer) nearest = { name: candidate, cost, lengthGap };
  }
  return nearest && nearest.cost <= allowed ? nearest.name : undefined;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '');
}

/** The cost, or Infinity where the lengths alone say that it is more than is allowed: then nothing is compared. */
function costWithin(allowed: number, from: string, to: string): number {
  return Math.abs(from.length - to.length) * LOST_OR_ADDED > allowed ? Infinity : editCost(from, to);
}

/** Damerau-Levenshtein distance (optimal string alignment) under the costs above. */
function editCost(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column * LOST_OR_ADDED);
  for (let row = 1; row <= from.length; row++) {
    const costs = [row * LOST_OR_ADDED];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      costs.push(
        Math.min(
          at(last, column - 1) + (same ? 0 : CHANGED),
          at(last, column) + LOST_OR_ADDED,
          at(costs, column - 1) + LOST_OR_ADDED,
          swapped ? at(beforeLast, column - 2) + SWAPPED : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = costs;
  }
  return at(last, to.length);
}

function at(costs: readonly number[], column: number): number {
  return costs[column] ?? Infinity;
}
