/** Refuses, with a RangeError, a time that is not a positive, finite number: NaN would end every part at once. */
export function assertPositiveMs(option: string, ms: number): void {
  if (ms > 0 && ms < Infinity) return;
  throw new RangeError(`'${option}' must be a positive number of ms, not ${ms}`);
}
