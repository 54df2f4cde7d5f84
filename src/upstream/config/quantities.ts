import { z } from 'zod';

// Every schema's error text says what is expected, and nothing else: the report puts what was found before it.

/** 24 hours: nothing here waits longer, and Node turns a timer above 2^31 ms into one of 1 ms. */
const MAX_MS = 86_400_000;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m)$/;
const BYTE_SIZE = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB)$/;

/** A number of milliseconds, or text such as `250ms`, `1.5s`, `2m`; from `min` ms to 24 h. Gives whole milliseconds. */
export function duration(min = 1) {
  const expected = `a duration from ${min} ms to 24 h: whole milliseconds, or text like 250ms, 1.5s, 2m`;
  return quantity({ expected, pattern: DURATION, units: MS_PER_UNIT, min, max: MAX_MS });
}

/** A number of bytes, or text such as `512KiB`, `5MiB`; at least one byte. Gives bytes. */
export function byteSize() {
  const expected = 'a size of at least 1 byte: a whole number of bytes, or text like 512KiB, 5MiB';
  return quantity({
    expected,
    pattern: BYTE_SIZE,
    units: BYTES_PER_UNIT,
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
  });
}

/** A whole number from `min` to `max`. */
export function count(min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`;
  return z.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

/** A share in percent, up to and including 100. */
export function percent({ zero }: { readonly zero: 'allowed' | 'refused' }) {
  const error = zero === 'allowed' ? 'a percentage from 0 to 100' : 'a percentage above 0, up to 100';
  const share = z.number({ error }).max(100, { error });
  return zero === 'allowed' ? share.min(0, { error }) : share.gt(0, { error });
}

/** A number from `min` to `max`, whole or not. */
export function factor(min: number, max: number) {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
}

export function flag() {
  return z.boolean({ error: 'true or false' });
}

interface Quantity {
  readonly expected: string;
  readonly pattern: RegExp;
  readonly units: Readonly<Record<string, number>>;
  readonly min: number;
  readonly max: number;
}

function quantity({ expected: error, pattern, units, min, max }: Quantity) {
  // Checked below, with the unit: here for editors.
  const bare = z.number({ error }).meta({ type: 'integer', minimum: min, maximum: max });
  const withUnit = z.string({ error }).regex(pattern, { error });
  return z
    .union([bare, withUnit], { error })
    .transform((written) => (typeof written === 'number' ? written : inBaseUnit(written, pattern, units)))
    .pipe(z.number({ error }).int({ error }).min(min, { error }).max(max, { error }));
}

function inBaseUnit(written: string, pattern: RegExp, units: Readonly<Record<string, number>>): number {
  const [, amount, unit = ''] = pattern.exec(written) ?? [];
  const product = Number(amount) * (units[unit] ?? NaN);
  // 1.001 s is 1001 ms, though not in binary fractions.
  const whole = Math.round(product);
  return Math.abs(product - whole) < 1e-6 ? whole : product;
}
