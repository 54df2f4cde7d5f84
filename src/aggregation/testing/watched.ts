import { type Observable, Subscription } from 'rxjs';

/** One subscription, and what has come of it so far. */
export class Watched<T> {
  readonly values: T[] = [];
  end: 'none' | 'completed' | 'failed' | 'cancelled' = 'none';
  error: unknown = undefined;
  private readonly subscription = new Subscription();

  constructor(source: Observable<T>) {
    this.subscription.add(
      source.subscribe({
        next: (value) => this.values.push(value),
        error: (error: unknown) => {
          this.error = error;
          this.end = 'failed';
        },
        complete: () => {
          this.end = 'completed';
        },
      }),
    );
  }

  /** What came, as the bytes a client would see: key order counts. */
  get json(): string {
    return JSON.stringify(this.values);
  }

  cancel(): void {
    if (this.end === 'none') this.end = 'cancelled';
    this.subscription.unsubscribe();
  }
}

export function watch<T>(source: Observable<T>): Watched<T> {
  return new Watched(source);
}
