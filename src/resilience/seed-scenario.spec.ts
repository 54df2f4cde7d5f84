import { seededRandom } from './random.js';
import { NO_BUDGET, Pipeline, WireError } from './testing/spec-support.js';

/**
 * An upstream that fails 60 % of the time, and five retries with growing delays. What must come of it is a sum, so
 * the pipeline is held against the sum: each share within three standard errors of its expectation.
 */
const FAILING = 0.6;
const ATTEMPTS = 6;
const CALLS = 20_000;
const BASE_MS = 25;
const LATENCY_MS = 10;

interface Result {
  readonly succeeded: number;
  readonly attempts: number;
  /** Delays before the first, second, ... retry. */
  readonly delays: readonly (readonly number[])[];
  /** Whether each failed call ended with the error of its last attempt. */
  readonly ownErrors: boolean;
}

function run(seed: number): Result {
  const draw = seededRandom(seed);
  const delays: number[][] = Array.from({ length: ATTEMPTS - 1 }, () => []);
  let attempts = 0;
  let lastError: unknown;
  const pipeline = new Pipeline({
    seed: seed + 1,
    retry: { maxAttempts: ATTEMPTS, backoffBaseMs: BASE_MS, backoffCapMs: 60_000 },
    budget: NO_BUDGET,
    breaker: { mode: 'disabled' },
    onRetry: (_call, number, delayMs) => delays[number - 2]!.push(delayMs),
    script: (attempt, clock) => {
      attempts++;
      clock.setTimeout(
        () => {
          if (draw() >= FAILING) {
            attempt.answer();
            return;
          }
          lastError = new WireError();
          attempt.fail(lastError);
        },
        LATENCY_MS,
        undefined,
      );
    },
  });

  let succeeded = 0;
  let ownErrors = true;
  for (let made = 0; made < CALLS; made++) {
    const call = pipeline.call();
    while (call.end === 'none') pipeline.clock.advance(1_000);
    if (call.end === 'completed') succeeded++;
    else ownErrors &&= call.error === lastError;
    // The wire keeps a record of its attempts, which nobody needs here.
    pipeline.wire.attempts.length = 0;
  }
  return { succeeded, attempts, delays, ownErrors };
}

/** Attempts of one call: k with probability 0.6^(k-1) * 0.4, and whatever is left at six. */
const distribution = Array.from({ length: ATTEMPTS }, (_, index) => ({
  attempts: index + 1,
  probability: FAILING ** index * (index + 1 < ATTEMPTS ? 1 - FAILING : 1),
}));

describe.each([1, 2026])('an upstream that fails 60 %% of the time, and five retries (seed %i)', (seed) => {
  let result: Result;
  beforeAll(() => {
    result = run(seed);
  });

  it('succeeds for 95.3 % of the calls', () => {
    const expected = 1 - FAILING ** ATTEMPTS;
    expect(expected).toBeCloseTo(0.953, 3);
    const standardError = Math.sqrt((expected * (1 - expected)) / CALLS);
    expect(Math.abs(result.succeeded / CALLS - expected)).toBeLessThan(3 * standardError);
  });

  it('costs 2.38 attempts a call', () => {
    const expected = (1 - FAILING ** ATTEMPTS) / (1 - FAILING);
    expect(expected).toBeCloseTo(2.38, 2);
    const mean = distribution.reduce((sum, { attempts, probability }) => sum + attempts * probability, 0);
    expect(mean).toBeCloseTo(expected, 12);
    const variance = distribution.reduce(
      (sum, { attempts, probability }) => sum + (attempts - mean) ** 2 * probability,
      0,
    );
    expect(Math.abs(result.attempts / CALLS - expected)).toBeLessThan(3 * Math.sqrt(variance / CALLS));
  });

  it("gives the caller the upstream's own, last error when the retries are spent", () => {
    expect(result.succeeded).toBeLessThan(CALLS);
    expect(result.ownErrors).toBe(true);
  });

  it('waits longer from retry to retry: the upper bound doubles, and the mean is half of it', () => {
    expect(result.delays.every((delays) => delays.length > 1_000)).toBe(true);
    result.delays.forEach((delays, retry) => {
      const boundMs = BASE_MS * 2 ** retry;
      expect(Math.max(...delays)).toBeLessThan(boundMs);
      expect(Math.max(...delays)).toBeGreaterThan(0.98 * boundMs);
      const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
      const standardError = boundMs / Math.sqrt(12 * delays.length);
      expect(Math.abs(mean - boundMs / 2)).toBeLessThan(3 * standardError);
    });
  });
});
