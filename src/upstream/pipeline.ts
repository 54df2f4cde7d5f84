import { type AdaptiveLimit } from '../resilience/adaptive-limit.js';
import { withAdaptiveLimit } from '../resilience/adaptive-limit.operator.js';
import { withAttemptTimeout } from '../resilience/attempt-timeout.operator.js';
import { type Bulkhead } from '../resilience/bulkhead.js';
import { withBulkhead } from '../resilience/bulkhead.operator.js';
import { type Attempt, type Call, type Handler, type Layer } from '../resilience/call.js';
import { type CircuitBreaker } from '../resilience/circuit-breaker.js';
import { ownDeadlineOf, withCircuitBreaker } from '../resilience/circuit-breaker.operator.js';
import { type Clock } from '../resilience/clock.js';
import { withDeadline } from '../resilience/deadline.operator.js';
import { HedgeBudget } from '../resilience/hedge-budget.js';
import { HedgeDelay } from '../resilience/hedge-delay.js';
import { type HedgeOptions, mayQueue, withHedging } from '../resilience/hedge.operator.js';
import { type Random } from '../resilience/random.js';
import { type RetryBudget } from '../resilience/retry-budget.js';
import { type RetryOptions, withRetry } from '../resilience/retry.operator.js';
import { type UpstreamPolicy } from './config/policy-schema.js';

export interface PipelineParts<T, C extends Call> {
  readonly policy: UpstreamPolicy;
  readonly breaker: CircuitBreaker;
  readonly bulkhead: Bulkhead;
  /** Moves the limit of the bulkhead; undefined where it is fixed. */
  readonly adaptiveLimit: AdaptiveLimit | undefined;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  /** Answers from what is kept; undefined where nothing is. */
  readonly cache: Layer<T, C> | undefined;
  /** Makes one call of equal ones; undefined where each is a call of its own. */
  readonly coalesce: Layer<T, C> | undefined;
  readonly onRetry: RetryOptions<C>['onRetry'];
  readonly onHedge: HedgeOptions<C>['onHedge'];
  readonly onHedgeWon: HedgeOptions<C>['onHedgeWon'];
  /** Sees every attempt that was decided, whatever guard or wire ended it. */
  readonly observe: Layer<T, Attempt<C>>;
  /** Chooses where an attempt goes; undefined where there is no choice. */
  readonly endpointChoice: Layer<T, Attempt<C>> | undefined;
}

/** The order of one call, outside in. This list is the documentation; each line says why it stands where it stands. */
export function pipeline<T, C extends Call>(
  parts: PipelineParts<T, C>,
  wire: Handler<Attempt<C>, T>,
): Handler<C, T> {
  const {
    policy,
    breaker,
    bulkhead,
    adaptiveLimit,
    budget,
    clock,
    random,
    onRetry,
    observe,
    cache,
    coalesce,
    endpointChoice,
  } = parts;

  const perCall: readonly Layer<T, C>[] = [
    // Above all guards: what is kept costs no permit and is no sample, and a stale answer can take the place of
    // whatever they refuse.
    ...(cache === undefined ? [] : [cache]),
    // Equal calls are one sample and one permit. Each has its own deadline above; the one that is made for all has the
    // policy's below, so that nobody's impatience ends it.
    ...(coalesce === undefined ? [] : [withDeadline<T, C>(clock), coalesce]),
    // Above retry: it bounds attempts, the sleeps between them and the queue.
    withDeadline(clock),
  ];
  // Above the bulkhead, so that no permit is held while backing off; above the breaker, so that each attempt is a
  // sample and an opening breaker ends the attempts that are left.
  const retry = withRetry<T, C>({ policy: policy.retry, budget, clock, random, onRetry });
  // Retry or hedge, never both: what hedging may not repeat beside itself is retried. They share the retry budget.
  const repeat = policy.hedge.mode === 'off' ? retry : withHedging(hedgeOptions(parts), retry);
  const perAttempt: readonly Layer<T, Attempt<C>>[] = [
    // Above all that can end an attempt, so that refusals are seen too.
    observe,
    // Above the breaker: an attempt that finds no permit never touches its statistics, and the breaker decides
    // after the wait in the queue, on what it knows then.
    withBulkhead<T, Attempt<C>>(bulkhead, policy.bulkhead.maxQueueWaitMs, clock, mayQueue),
    // Right below the bulkhead: it measures what holds a permit, not the wait for one.
    ...(adaptiveLimit === undefined
      ? []
      : [withAdaptiveLimit<T, Attempt<C>>(adaptiveLimit, bulkhead, clock)]),
    // Above the timeout, so that it sees timeouts.
    withCircuitBreaker<T, Attempt<C>>(breaker, ownDeadlineOf),
    // Above the timeout, so that the endpoint that was too slow is told; below the breaker: what it refuses goes to
    // no endpoint.
    ...(endpointChoice === undefined ? [] : [endpointChoice]),
    // Innermost: it covers one attempt up to the last byte of its body. Below it: the wire.
    withAttemptTimeout(clock, policy.attemptTimeoutMs),
  ];

  return stack(perCall, repeat(stack(perAttempt, wire)));
}

function hedgeOptions<T, C extends Call>(parts: PipelineParts<T, C>): HedgeOptions<C> {
  const { policy, budget, clock, random, onHedge, onHedgeWon, onRetry } = parts;
  const { hedge, retryBudget } = policy;
  return {
    retry: policy.retry,
    random,
    maxHedges: hedge.maxHedges,
    delay: new HedgeDelay(hedge),
    budget: new HedgeBudget(hedge.budgetPercent, retryBudget.windowMs, budget, clock),
    clock,
    onHedge,
    onHedgeWon,
    onRetry,
  };
}

function stack<T, C>(layers: readonly Layer<T, C>[], innermost: Handler<C, T>): Handler<C, T> {
  return layers.reduceRight((next, layer) => layer(next), innermost);
}
