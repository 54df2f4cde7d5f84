import { withAttemptTimeout } from '../resilience/attempt-timeout.operator.js';
import { type Bulkhead } from '../resilience/bulkhead.js';
import { withBulkhead } from '../resilience/bulkhead.operator.js';
import { type Attempt, type Call, type Handler, type Layer } from '../resilience/call.js';
import { type CircuitBreaker } from '../resilience/circuit-breaker.js';
import { withCircuitBreaker } from '../resilience/circuit-breaker.operator.js';
import { type Clock } from '../resilience/clock.js';
import { withDeadline } from '../resilience/deadline.operator.js';
import { type Random } from '../resilience/random.js';
import { type RetryBudget } from '../resilience/retry-budget.js';
import { type RetryOptions, withRetry } from '../resilience/retry.operator.js';
import { type UpstreamPolicy } from './config/policy-schema.js';

export interface PipelineParts<T, C extends Call> {
  readonly policy: UpstreamPolicy;
  readonly breaker: CircuitBreaker;
  readonly bulkhead: Bulkhead;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly random: Random;
  readonly onRetry: RetryOptions<C>['onRetry'];
  /** Sees every attempt that was decided, whatever guard or wire ended it. */
  readonly observe: Layer<T, Attempt<C>>;
}

/** The order of one call, outside in. This list is the documentation; each line says why it stands where it stands. */
export function pipeline<T, C extends Call>(
  parts: PipelineParts<T, C>,
  wire: Handler<Attempt<C>, T>,
): Handler<C, T> {
  const { policy, breaker, bulkhead, budget, clock, random, onRetry, observe } = parts;

  const perCall: readonly Layer<T, C>[] = [
    // Above retry: it bounds attempts, the sleeps between them and the queue.
    withDeadline(clock),
  ];
  // Above the bulkhead, so that no permit is held while backing off; above the breaker, so that each attempt is a
  // sample and an opening breaker ends the attempts that are left.
  const retry = withRetry<T, C>({ policy: policy.retry, budget, clock, random, onRetry });
  const perAttempt: readonly Layer<T, Attempt<C>>[] = [
    // Above all that can end an attempt, so that refusals are seen too.
    observe,
    // Above the breaker: an attempt that finds no permit never touches its statistics, and the breaker decides
    // after the wait in the queue, on what it knows then.
    withBulkhead(bulkhead, policy.bulkhead.maxQueueWaitMs, clock),
    // Above the timeout, so that it sees timeouts.
    withCircuitBreaker(breaker),
    // Innermost: it covers one attempt up to the last byte of its body. Below it: endpoint choice and the wire.
    withAttemptTimeout(clock, policy.attemptTimeoutMs),
  ];

  return stack(perCall, retry(stack(perAttempt, wire)));
}

function stack<T, C>(layers: readonly Layer<T, C>[], innermost: Handler<C, T>): Handler<C, T> {
  return layers.reduceRight((next, layer) => layer(next), innermost);
}
