import { type Observable } from 'rxjs';
import { assertPositiveMs } from './positive-ms.js';

/**
 * One named branch of a composite.
 * Made by {@link required}, {@link optional} or {@link skipped}; `T` is what its key holds in the result.
 */
export type Part<T> = CalledPart<T> | SkippedPart<T>;

export interface CalledPart<T> {
  readonly kind: 'required' | 'optional';
  readonly source: Observable<T>;
  /** What an optional part answers when its call failed; undefined for null, or whatever a list join has. */
  readonly fallback: T;
  /** Longest time the part may take, in ms; undefined for as long as the composite has. */
  readonly within: number | undefined;
}

export interface SkippedPart<T> {
  readonly kind: 'skipped';
  readonly value: T;
}

export interface PartOptions {
  /** The longest the part may take, in ms. Default: as long as the composite has. */
  readonly within?: number;
}

export interface FallbackOptions<F> extends PartOptions {
  /** What the part answers when its call failed. Default: null; of a list join, its `missing` for each item. */
  readonly fallback: F;
}

/** A part the composite cannot do without: its failure ends the composite at once and cancels the others. */
export function required<T>(source: Observable<T>, options: PartOptions = {}): Part<T> {
  // A required part never falls back: under its kind the value is not read.
  return called('required', source, undefined as T, options);
}

/** A part that keeps its key whatever happens: its fallback stands in when its call failed. */
export function optional<T>(source: Observable<T>, options: FallbackOptions<NoInfer<T>>): Part<T>;
export function optional<T, F>(source: Observable<T>, options: FallbackOptions<F>): Part<T | F>;
export function optional<T>(source: Observable<T>, options?: PartOptions): Part<T | null>;
export function optional<T>(
  source: Observable<T>,
  options: Partial<FallbackOptions<unknown>> = {},
): Part<unknown> {
  return called<unknown>('optional', source, options.fallback, options);
}

/** A part that needs no call this time; the composite is complete without one. */
export function skipped<T>(value: T): Part<T>;
export function skipped(): Part<null>;
export function skipped(value: unknown = null): Part<unknown> {
  return { kind: 'skipped', value };
}

function called<T>(
  kind: CalledPart<T>['kind'],
  source: Observable<T>,
  fallback: T,
  { within }: PartOptions,
): CalledPart<T> {
  if (within !== undefined) assertPositiveMs('within', within);
  return { kind, source, fallback, within };
}

export type Parts = Readonly<Record<string, Part<unknown>>>;

/** The result of a composite of these parts. */
export type Values<P extends Parts> = {
  readonly [K in keyof P]: P[K] extends Part<infer T> ? OrNull<T> : never;
};

/** JSON has no undefined, and a part keeps its key whatever it answers: null stands for it. */
type OrNull<T> = T extends undefined ? null : T;
