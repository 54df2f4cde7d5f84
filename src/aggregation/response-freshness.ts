import { type AnswerNote, type AnswerNotes } from '../upstream/answer-note.js';

/** What is known of a part that no upstream's answer stands behind, or of which it is missing: nothing. */
export const UNKNOWN_ANSWER: AnswerNote = {
  freshUntil: -Infinity,
  isPrivate: false,
  noStore: false,
  mustRevalidate: false,
  variesBy: [],
  stale: undefined,
};

/** How long a response may be used again: as long as the answer it is made of that gets old first. */
export class ResponseFreshness implements AnswerNotes {
  private freshUntil = Infinity;
  private isPrivate = false;
  private noStore = false;
  private mustRevalidate = false;
  private readonly headers = new Set<string>();

  answered({ freshUntil, isPrivate, noStore, mustRevalidate, variesBy }: AnswerNote): void {
    this.freshUntil = Math.min(this.freshUntil, freshUntil);
    this.isPrivate ||= isPrivate;
    this.noStore ||= noStore;
    this.mustRevalidate ||= mustRevalidate;
    for (const header of variesBy) this.headers.add(header);
  }

  /** Headers of the request on which the response may depend. */
  get variesBy(): readonly string[] {
    return [...this.headers];
  }

  /**
   * `Cache-Control` for a response that is complete. What is not known to be fresh may be kept, but has to be asked
   * about each time, which an `ETag` makes cheap.
   *
   * @param now on the clock's scale, in ms.
   * @param isForOneUser whether it is for nobody else, whatever its parts say.
   */
  cacheControl(now: number, isForOneUser = false): string {
    if (this.noStore) return 'no-store';
    const seconds = Math.floor((this.freshUntil - now) / 1000);
    const directives = this.isPrivate || isForOneUser ? ['private'] : [];
    if (seconds > 0 && seconds < Infinity) {
      directives.push(`max-age=${seconds}`);
      if (this.mustRevalidate) directives.push('must-revalidate');
    } else directives.push('no-cache');
    return directives.join(', ');
  }
}
