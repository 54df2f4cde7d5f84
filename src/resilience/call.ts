import { type Observable } from 'rxjs';

/** One logical request on its way through the layers. */
export interface Call {
  /** The moment, on the clock's scale, by which the call must have answered; Infinity for never. */
  readonly deadlineAt: number;
  /** Whether sending the request twice does no more than sending it once. */
  readonly replaySafe: boolean;
}

/** One try of a call on the wire. */
export interface Attempt<C extends Call = Call> {
  readonly call: C;
  /** 1 for the first attempt. */
  readonly number: number;
}

/** Answers a call (or an attempt): cold, emits once, then completes. */
export type Handler<C, T> = (call: C) => Observable<T>;

/**
 * One guard around a handler. Layers are composed once, when an upstream is set up;
 * a call then only walks through them.
 */
export type Layer<T, Outer, Inner = Outer> = (next: Handler<Inner, T>) => Handler<Outer, T>;
