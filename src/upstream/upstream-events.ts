import { type BreakerTransition } from '../resilience/circuit-breaker.js';
import { type FailureReason } from './upstream-error.js';

/** One attempt ended. */
export interface AttemptEvent {
  readonly type: 'attempt';
  readonly upstream: string;
  /** 1 for the first attempt of a call. */
  readonly number: number;
  readonly outcome: 'ok' | FailureReason;
  readonly durationMs: number;
}

/** One logical call ended, retries and all. */
export interface CallEvent {
  readonly type: 'call';
  readonly upstream: string;
  readonly method: string;
  readonly outcome: 'ok' | FailureReason;
  readonly status: number | undefined;
  readonly attempts: number;
  readonly durationMs: number;
}

/** A retry was decided; it starts after `delayMs`. */
export interface RetryEvent {
  readonly type: 'retry';
  readonly upstream: string;
  /** The number of the attempt to come. */
  readonly number: number;
  readonly delayMs: number;
}

/** A breaker changed its state. */
export interface BreakerEvent extends BreakerTransition {
  readonly type: 'breaker';
  readonly upstream: string;
}

/** An endpoint refused a connection and is passed over for a while. */
export interface EndpointEvent {
  readonly type: 'endpoint-refused';
  readonly upstream: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

export type UpstreamEvent = AttemptEvent | CallEvent | RetryEvent | BreakerEvent | EndpointEvent;

interface Subscription {
  readonly listener: (event: UpstreamEvent) => void;
  stopped: boolean;
}

/**
 * What health, metrics and logs listen to. A listener that throws harms neither the call nor the other listeners.
 * What belongs to a call (attempts, retries, the call itself) is told in the async context the call was made in.
 */
export class UpstreamEvents {
  private subscriptions: readonly Subscription[] = [];

  constructor(private readonly onListenerError: (error: unknown) => void) {}

  /** Whether anybody listens: where nobody does, no event needs to be made. */
  get active(): boolean {
    return this.subscriptions.length > 0;
  }

  /** Starts listening; the answer stops it, at once and for good. */
  subscribe(listener: (event: UpstreamEvent) => void): () => void {
    const subscription: Subscription = { listener, stopped: false };
    this.subscriptions = [...this.subscriptions, subscription];
    return () => {
      subscription.stopped = true;
      this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
    };
  }

  emit(event: UpstreamEvent): void {
    for (const subscription of this.subscriptions) {
      // Another listener may have stopped it just now.
      if (subscription.stopped) continue;
      try {
        subscription.listener(event);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
