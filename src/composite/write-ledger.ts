import { Observable } from 'rxjs';
import { type WriteOutcome } from '../aggregation/write-outcome.js';
import { type AnswerNote, type AnswerNotes } from '../upstream/answer-note.js';
import { isWithoutEffect } from '../upstream/classify.js';
import { RequestContext } from '../upstream/request-context.js';
import { type UpstreamError } from '../upstream/upstream-error.js';

/** What became of the writes of one request. */
export class WriteLedger {
  private readonly tried = new Map<string, TriedWrite>();

  /** @param names of the parts that write, in the order of the file. */
  constructor(private readonly names: readonly string[]) {}

  readonly outcomes = (): Readonly<Record<string, WriteOutcome>> =>
    Object.fromEntries(
      this.names.map((name) => [name, this.tried.get(name)?.outcome ?? 'not-tried'] as const),
    );

  /**
   * The write of a part, on record. Once it is on the wire, its deadline alone cuts it off: whoever leaves meanwhile, the
   * client above all, does so without it.
   */
  recorded(name: string, write: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      const context = RequestContext.current();
      const tried = new TriedWrite(context.notes);
      this.tried.set(name, tried);
      const call = context
        .outlivingClient()
        .notedBy(tried)
        .run(
          () =>
            // Not the subscriber itself: its end would be the call's.
            write.subscribe({
              next: (value) => {
                subscriber.next(value);
              },
              error: (error: unknown) => {
                subscriber.error(error);
              },
              complete: () => {
                subscriber.complete();
              },
            }),
          undefined,
        );
      subscriber.add(() => {
        if (!tried.isOnTheWire) call.unsubscribe();
      });
    });
  }
}

/** A write that is, or was, on its way, and what its attempts say of it. */
class TriedWrite implements AnswerNotes {
  private started = 0;
  private ended = 0;
  private withoutEffect = 0;
  private accepted = false;

  constructor(private readonly notes: AnswerNotes | undefined) {}

  get isOnTheWire(): boolean {
    return this.started > this.ended;
  }

  get outcome(): WriteOutcome {
    if (this.accepted) return 'done';
    return this.withoutEffect === this.started ? 'not-done' : 'unknown';
  }

  answered(note: AnswerNote): void {
    this.notes?.answered(note);
  }

  attemptStarted(): void {
    this.started++;
  }

  attemptEnded(failure: UpstreamError | undefined): void {
    this.ended++;
    if (failure === undefined) this.accepted = true;
    else if (isWithoutEffect(failure)) this.withoutEffect++;
  }
}
