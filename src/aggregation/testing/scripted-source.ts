import { Observable, type Subscriber } from 'rxjs';
import { RequestContext } from '../../upstream/request-context.js';

// Only the specs of this folder use this file; it knows nothing of Jest.

/** A source that waits until the test says how it ends, and remembers who asked and who left. */
export class ScriptedSource<T = string> {
  /** How often it was subscribed to. */
  asked = 0;
  /** How many of those who asked left before they were answered. */
  cancelled = 0;
  /** The request context it was last asked in. */
  context: RequestContext | undefined;
  private readonly open = new Set<Subscriber<T>>();

  readonly source = new Observable<T>((subscriber) => {
    this.asked++;
    this.context = RequestContext.current();
    this.open.add(subscriber);
    return () => {
      if (this.open.delete(subscriber)) this.cancelled++;
    };
  });

  /** How many wait for it right now. */
  get waiting(): number {
    return this.open.size;
  }

  emit(value: T): void {
    for (const subscriber of this.open) subscriber.next(value);
  }

  complete(): void {
    this.each((subscriber) => {
      subscriber.complete();
    });
  }

  answer(value: T): void {
    this.emit(value);
    this.complete();
  }

  fail(error: unknown): void {
    this.each((subscriber) => {
      subscriber.error(error);
    });
  }

  private each(end: (subscriber: Subscriber<T>) => void): void {
    for (const subscriber of [...this.open]) {
      this.open.delete(subscriber);
      end(subscriber);
    }
  }
}
