/** Between a number and its unit: narrow, and no place to break a line. */
export const NARROW = '\u202f';

/** What stands where nothing is known yet. */
export const NOTHING = '–';

/** `0`, `42`, `1.2 k`, `3.4 M`. */
export function humaneCount(count: number): string {
  if (count < 1_000) return String(Math.round(count));
  if (count < 999_500) return `${threeDigits(count / 1_000)}${NARROW}k`;
  return `${threeDigits(count / 1_000_000)}${NARROW}M`;
}

/** A rate per second: `0/s`, `0.3/s`, `12/s`, `1.2 k/s`. */
export function humaneRate(perSecond: number): string {
  if (perSecond === 0) return '0/s';
  if (perSecond < 0.1) return '<0.1/s';
  if (perSecond < 9.95) return `${perSecond.toFixed(1)}/s`;
  return `${humaneCount(perSecond)}/s`;
}

/**
 * A share: `0 %`, `0.4 %`, `60 %`, `100 %`. Only what is exactly 0 or 100 reads so: 99.96 % complete is not complete.
 */
export function humanePercent(percent: number | null): string {
  if (percent === null) return NOTHING;
  if (percent > 0 && percent < 0.1) return `<0.1${NARROW}%`;
  if (percent > 99.9 && percent < 100) return `>99.9${NARROW}%`;
  const nearAnEnd = (percent > 0 && percent < 9.95) || (percent > 90 && percent < 100);
  return `${nearAnEnd ? percent.toFixed(1).replace(/\.0$/, '') : Math.round(percent)}${NARROW}%`;
}

/** `1 call`, `3 calls`, `1.2 k calls`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${humaneCount(count)} ${count === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

function threeDigits(value: number): string {
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}
