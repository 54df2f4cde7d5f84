/** How many letters must be added, dropped or changed to turn one word into the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let line = 1; line <= one.length; line++) {
    const next = [line];
    for (let column = 1; column <= other.length; column++) {
      const changed = (row[column - 1] ?? 0) + (one[line - 1] === other[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

/** Says that a name is not one of the known ones, and which one was probably meant. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const ranked = known
    .map((candidate) => ({ candidate, away: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((one, other) => one.away - other.away);
  const [nearest] = ranked;
  const hint = nearest && nearest.away <= 3 ? ` Did you mean "${nearest.candidate}"?` : '';
  return `Unknown ${what} "${name.slice(0, 40)}".${hint} Known: ${known.join(', ') || 'none'}.`;
}
