import { type Observable } from 'rxjs';

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

/** Answers a call (or an attempt): cold, emits once, then completes. */
export type Handler<C, T> = (call: C) => Observable<T>;

/**
 * One guard around a handler. Layers are composed once, when an upstream is set up;
 * a call then only walks through them.
 */
export type Layer<T, Outer, Inner = Outer> = (next: Handler<Inner, T>) => Handler<Outer, T>;
