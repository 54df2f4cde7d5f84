import { directivesOf, secondsOf } from './cache/cache-control.js';
import { type FailureReason, type UpstreamError } from './upstream-error.js';

/** A kept answer that has gone stale, and was used all the same. */
export interface StaleAnswer {
  /** Time since the upstream made the answer, in ms. */
  readonly ageMs: number;
  /** Why there is no fresh one; undefined where one is being fetched meanwhile. */
  readonly reason: FailureReason | undefined;
}

/** What an answer of an upstream means for a response that is made of it. */
export interface AnswerNote {
  /** Until when it may be used again without asking, on the clock's scale in ms; -Infinity if nothing is known. */
  readonly freshUntil: number;
  /** Whether it is meant for one user only: by its own word, or because the user's credentials were sent for it. */
  readonly isPrivate: boolean;
  /** Whether nobody may keep it. */
  readonly noStore: boolean;
  /** Whether it must not be used once it has gone stale. */
  readonly mustRevalidate: boolean;
  /** Headers of the client's request that were passed on, or would have been: the answer may depend on them. */
  readonly variesBy: readonly string[];
  readonly stale: StaleAnswer | undefined;
}

/** Gets to know which answers are used. */
export interface AnswerNotes {
  answered(note: AnswerNote): void;
  /** An upstream is called, whether or not the call gets as far as the wire. */
  called?(upstream: string): void;
  /** An attempt of a call reaches the wire. */
  attemptStarted?(): void;
  /** How an attempt ended on the wire; undefined for an answer. */
  attemptEnded?(failure: UpstreamError | undefined): void;
  /** An attempt was cut off on the wire, by its time or by whoever does not wait for it any more. */
  attemptCut?(): void;
}

/** What the headers of an answer, or of one that is missing, say to whoever keeps a response made of it. */
export function noteOf(
  headers: Readonly<Record<string, unknown>> | undefined,
  stale: StaleAnswer | undefined,
  isPrivate: boolean,
  variesBy: readonly string[],
  now: number,
): AnswerNote {
  const { 'cache-control': cacheControl, expires, age, date } = headers ?? {};
  if (typeof cacheControl !== 'string') {
    const freshForMs = stale === undefined ? untilExpires(expires, date, age) : undefined;
    const freshUntil = freshForMs === undefined ? -Infinity : now + freshForMs;
    return { freshUntil, isPrivate, noStore: false, mustRevalidate: false, variesBy, stale };
  }
  const directives = directivesOf(cacheControl);
  const noCache = stale !== undefined || directives.has('no-cache');
  const maxAge = directives.get('max-age');
  const freshForMs =
    maxAge === undefined
      ? untilExpires(expires, date, age)
      : (leastOf(maxAge, directives.get('s-maxage')) - ageOf(age)) * 1000;
  return {
    freshUntil: noCache || freshForMs === undefined ? -Infinity : now + freshForMs,
    isPrivate: isPrivate || directives.has('private'),
    noStore: directives.has('no-store'),
    mustRevalidate: MUST_REVALIDATE.some((directive) => directives.has(directive)),
    variesBy,
    stale,
  };
}

/** For a shared cache they all say so (RFC 9111, 5.2.2). */
const MUST_REVALIDATE = ['must-revalidate', 'proxy-revalidate', 's-maxage'] as const;

/** The lesser of what is said for a user's own cache and for shared ones: the response may meet either. */
function leastOf(maxAge: string, sharedMaxAge: string | undefined): number {
  return Math.min(secondsOf(maxAge), sharedMaxAge === undefined ? Infinity : secondsOf(sharedMaxAge));
}

function ageOf(age: unknown): number {
  return typeof age === 'string' ? secondsOf(age) : 0;
}

/** An `Expires` that cannot be read, `0` above all, has passed (RFC 9111, 5.3). */
function untilExpires(expires: unknown, date: unknown, age: unknown): number | undefined {
  if (typeof expires !== 'string') return undefined;
  const sentAt = typeof date === 'string' ? Date.parse(date) : NaN;
  const lifetimeMs = Date.parse(expires) - (Number.isNaN(sentAt) ? Date.now() : sentAt);
  return Number.isNaN(lifetimeMs) ? undefined : lifetimeMs - ageOf(age) * 1000;
}
