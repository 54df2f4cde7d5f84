import { type BreakerNotice, type BreakerTransition } from '../resilience/circuit-breaker.js';
import { type EjectionChange } from '../resilience/outlier-detection.js';
import { type FailureReason } from './upstream-error.js';

/** One attempt ended. */
export interface AttemptEvent {
  readonly type: 'attempt';
  readonly upstream: string;
  /** 1 for the first attempt of a call. */
  readonly number: number;
  readonly method: string;
  readonly outcome: 'ok' | FailureReason;
  /** What the upstream answered, if it came to an answer. */
  readonly status: number | undefined;
  /** With the wait for a permit of the bulkhead, if there was one. */
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
  /** The number of the attempt to come; a free one takes the number of the attempt it repeats. */
  readonly number: number;
  readonly delayMs: number;
  /** The attempt met a connection that had been closed while it was idle: it counts for nothing. */
  readonly free: boolean;
}

/** A call takes long, and is sent once more while what was sent before still runs. */
export interface HedgeEvent {
  readonly type: 'hedge';
  readonly upstream: string;
  /** The number of the attempt to come. */
  readonly number: number;
  /** How long ago the attempt before it was sent. */
  readonly delayMs: number;
}

/** The answer of a call came from a hedge: it was worth it. */
export interface HedgeWonEvent {
  readonly type: 'hedge-won';
  readonly upstream: string;
  /** The number of the attempt that answered. */
  readonly number: number;
}

/** A breaker changed its state. */
export interface BreakerEvent extends BreakerTransition {
  readonly type: 'breaker';
  readonly upstream: string;
}

/**
 * A breaker that did not change its state refused a call, saw a slow one, got a result too late to count, or, in
 * `metrics-only`, would have opened.
 */
export type BreakerNoticeEvent = BreakerNotice & {
  readonly type: 'breaker-notice';
  readonly upstream: string;
};

/** An endpoint refused a connection and is passed over for a while. */
export interface EndpointEvent {
  readonly type: 'endpoint-refused';
  readonly upstream: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** The addresses behind an upstream's host names have changed, or a name could not be resolved. */
export type DiscoveryEvent =
  | {
      readonly type: 'discovery';
      readonly upstream: string;
      readonly outcome: 'changed';
      /** Scheme, address and port of all endpoints there are now. */
      readonly origins: readonly string[];
    }
  | {
      readonly type: 'discovery';
      readonly upstream: string;
      readonly outcome: 'failed';
      readonly hostname: string;
      /** What the resolver says, such as ENOTFOUND. The addresses it gave before stay in use. */
      readonly code: string;
    };

/** An endpoint was ejected for doing worse than the others, or is back. */
export type EjectionEvent = EjectionChange & {
  readonly type: 'ejection';
  readonly upstream: string;
  /** Scheme, host and port. */
  readonly origin: string;
};

/** A call was answered, or not, from what is kept of earlier answers. */
export interface CacheEvent {
  readonly type: 'cache';
  readonly upstream: string;
  /**
   * `hit`: fresh, no call was made; `miss`: nothing usable was there; `revalidated`: the upstream confirmed what was;
   * `stale`: used although it is not fresh any more.
   */
  readonly result: 'hit' | 'miss' | 'revalidated' | 'stale';
  /** Time since the upstream made the answer, in ms; undefined for a miss. */
  readonly ageMs: number | undefined;
  /** Why a stale answer was used; undefined where a fresh one is being fetched meanwhile. */
  readonly reason: FailureReason | undefined;
}

/** A call waits for the answer to an equal one that was already on its way. */
export interface CoalescedEvent {
  readonly type: 'coalesced';
  readonly upstream: string;
}

/** What another configuration has done to an upstream. */
export type UpstreamChange =
  | { readonly upstream: string; readonly change: 'added' | 'removed' }
  | {
      readonly upstream: string;
      readonly change: 'changed';
      /** What is set otherwise now, by its names in the file. */
      readonly settings: readonly string[];
    };

/** Another configuration was taken over, and it meant something for this upstream. */
export type ConfiguredEvent = UpstreamChange & { readonly type: 'configured' };

export type UpstreamEvent =
  | CacheEvent
  | CoalescedEvent
  | AttemptEvent
  | CallEvent
  | RetryEvent
  | HedgeEvent
  | HedgeWonEvent
  | BreakerEvent
  | BreakerNoticeEvent
  | EndpointEvent
  | EjectionEvent
  | DiscoveryEvent
  | ConfiguredEvent;

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
