import { Observable, type Unsubscribable } from 'rxjs';
import { type WriteOutcome } from '../aggregation/write-outcome.js';
import { type AnswerNote, type AnswerNotes } from '../upstream/answer-note.js';
import { isAnswered2xx, isWithoutEffect } from '../upstream/classify.js';
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
   * The write of a part, on record. While it is on the wire, its deadlines alone cut it off: whoever leaves meanwhile, the
   * client above all, does so without it. What fails then is not tried again.
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
        tried.abandoned(call);
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
  /** The call, once nobody waits for it any more. */
  private unattended: Unsubscribable | undefined;

  constructor(private readonly notes: AnswerNotes | undefined) {}

  get outcome(): WriteOutcome {
    if (this.accepted) return 'done';
    return this.withoutEffect === this.started ? 'not-done' : 'unknown';
  }

  answered(note: AnswerNote): void {
    this.notes?.answered(note);
  }

  attemptStarted(): void {
    this.started++;
    this.notes?.attemptStarted?.();
  }

  attemptEnded(failure: UpstreamError | undefined): void {
    this.ended++;
    if (failure === undefined || isAnswered2xx(failure)) this.accepted = true;
    else if (isWithoutEffect(failure)) this.withoutEffect++;
    this.attemptOver();
  }

  attemptCut(): void {
    this.ended++;
    this.attemptOver();
  }

  /** Nobody waits for the call any more: it ends as soon as nothing of it is on the wire. */
  abandoned(call: Unsubscribable): void {
    this.unattended = call;
    this.endUnattended();
  }

  private attemptOver(): void {
    // Not now: breaker and bulkhead have yet to hear how the attempt ended.
    if (this.unattended !== undefined) {
      queueMicrotask(() => {
        this.endUnattended();
      });
    }
  }

  private endUnattended(): void {
    if (this.started === this.ended) this.unattended?.unsubscribe();
  }
}
