/** Summaries of measurements. Each refuses an empty list: a number made of nothing would be believed. */

/**
 * The nearest-rank quantile: the least value that at least the share `q` of the values does not exceed.
 * @param q above 0, at most 1.
 */
export function quantile(values: Iterable<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  return at(sorted, Math.max(1, Math.ceil(q * sorted.length)) - 1);
}

/** The value in the middle; of an even number, the mean of the two there. */
export function median(values: Iterable<number>): number {
  const sorted = Float64Array.from(values).sort();
  const { length } = sorted;
  return (at(sorted, Math.floor((length - 1) / 2)) + at(sorted, Math.floor(length / 2))) / 2;
}

/**
 * The median of the ratios, pair by pair. Two values of one round met the same machine; the ratio of two medians
 * would pair one server's quiet round with another's busy one.
 */
export function medianRatio(values: readonly number[], baseline: readonly number[]): number {
  if (values.length !== baseline.length) throw new RangeError('each value needs its own baseline');
  return median(values.map((value, index) => value / (baseline[index] ?? NaN)));
}

function at(sorted: Float64Array, index: number): number {
  const value = sorted[index];
  if (value === undefined) throw new RangeError('there is nothing to summarise');
  return value;
}
