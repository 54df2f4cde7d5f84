import { from, Observable, type ObservableInput, Subscriber } from 'rxjs';
import { Link } from './link.js';

/** One logical request on its way through the layers. */
export interface Call {
  /** The moment, on the clock's scale, by which the call must have answered; Infinity for never. */
  readonly deadlineAt: number;
  /**
   * The deadline once more where it is this service's own, on the same scale; Infinity (the default) where the caller
   * asked for less time. An attempt that was slow already when it ran into its own deadline counts against the
   * upstream; the impatience of a caller does not.
   */
  readonly ownDeadlineAt?: number | undefined;
  /** Whether sending the request twice does no more than sending it once. */
  readonly replaySafe: boolean;
  /**
   * Whether a layer above repeats this call already: then nothing here repeats it as well, neither as a retry nor as
   * a hedge, or the attempts of all layers would multiply. Default false.
   */
  readonly retriedAbove?: boolean | undefined;
  /**
   * Whether a copy of the request may run beside it, if it is replay-safe: not where copies get into each other's way,
   * and not where one has its body for itself. Default true.
   */
  readonly hedgeable?: boolean | undefined;
}

/** One try of a call on the wire. */
export interface Attempt<C extends Call = Call> {
  readonly call: C;
  /** 1 for the first attempt. */
  readonly number: number;
  /** Whether another attempt of the call was running when this one was sent: it takes what is free, and never queues. */
  readonly hedge?: boolean | undefined;
}

/**
 * Answers a call (or an attempt) into a link: one value and the end, or an error; at once or later. It stops working
 * when the link is closed.
 */
export type Handler<C, T> = (call: C, answer: Link<T>) => void;

/**
 * One guard around a handler. Layers are composed once, when an upstream is set up;
 * a call then only walks through them.
 */
export type Layer<T, Outer, Inner = Outer> = (next: Handler<Inner, T>) => Handler<Outer, T>;

/** The answer of a handler as an Observable: cold, each subscription is a call of its own. */
export function asObservable<C, T>(handler: Handler<C, T>, call: C): Observable<T> {
  return new Observable((subscriber) => {
    const edge = new Edge(subscriber);
    // Before the call starts: its caller may leave meanwhile.
    subscriber.add(edge);
    try {
      handler(call, edge);
    } catch (error) {
      // Here and not by RxJS, which would tell the caller first and end the chain afterwards.
      edge.error(error);
    }
  });
}

/** Where a chain of links ends and RxJS begins. */
class Edge<T> extends Link<T> {}

/** Whatever answers as an Observable, as a handler. */
export function asHandler<C, T>(source: (call: C) => ObservableInput<T>): Handler<C, T> {
  return (call, answer) => {
    if (answer.closed) return;
    const subscriber = new SourceSubscriber(answer);
    answer.worksWith(subscriber);
    from(source(call)).subscribe(subscriber);
  };
}

/** Hands on what an Observable answers; the other edge. */
class SourceSubscriber<T> extends Subscriber<T> {
  constructor(private readonly answer: Link<T>) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "internal" until RxJS 8, and how its operators do it
    super();
  }

  protected override _next(value: T): void {
    this.answer.next(value);
  }

  protected override _error(error: unknown): void {
    this.unsubscribe();
    this.answer.error(error);
  }

  protected override _complete(): void {
    this.unsubscribe();
    this.answer.complete();
  }
}
