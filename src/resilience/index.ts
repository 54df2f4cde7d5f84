/** The guards on their own, for whatever answers as an Observable: `tributary/resilience`. */

export { withAdaptiveLimit } from './adaptive-limit.operator.js';
export { type AdaptiveLimit, adaptiveLimitOf, type AdaptiveLimitPolicy } from './adaptive-limit.js';
export { Admission, type AdmissionPolicy, type AdmissionSnapshot, type Priority } from './admission.js';
export { withAttemptTimeout } from './attempt-timeout.operator.js';
export { Bulkhead, type BulkheadPolicy, type BulkheadSnapshot } from './bulkhead.js';
export { withBulkhead } from './bulkhead.operator.js';
export { asHandler, asObservable, type Attempt, type Call, type Handler, type Layer } from './call.js';
export {
  type BreakerListener,
  type BreakerNotice,
  type BreakerSnapshot,
  type BreakerTransition,
  CircuitBreaker,
  type CircuitBreakerPolicy,
} from './circuit-breaker.js';
export { withCircuitBreaker } from './circuit-breaker.operator.js';
export { type Clock, systemClock } from './clock.js';
export { Flights } from './coalesce.js';
export {
  type CoalescedCalls,
  type CoalesceOptions,
  type SharedCall,
  withCoalescing,
} from './coalesce.operator.js';
export { withDeadline } from './deadline.operator.js';
export { HedgeBudget } from './hedge-budget.js';
export { HedgeDelay, type HedgeDelayPolicy } from './hedge-delay.js';
export { type HedgeOptions, mayQueue, withHedging } from './hedge.operator.js';
export { Link } from './link.js';
export { LoopDelaySampler } from './loop-delay.js';
export {
  type EjectionChange,
  OutlierDetection,
  type OutlierDetectionPolicy,
  OutlierHost,
  type OutlierSnapshot,
} from './outlier-detection.js';
export { type Random, seededRandom, systemRandom } from './random.js';
export {
  AttemptTimeoutError,
  BreakerOpenError,
  BulkheadFullError,
  DeadlineExceededError,
  Rejection,
} from './rejections.js';
export { RetryBudget, type RetryBudgetPolicy } from './retry-budget.js';
export { type RetryOptions, type RetryPolicy, withRetry } from './retry.operator.js';
export { slowStartWeight, type SlowStartPolicy } from './slow-start.js';
export { type Classified, retryAfterOf, type Verdict, verdictOf, VERDICTS } from './verdict.js';
export { VirtualClock } from './virtual-clock.js';
