import { type AdaptiveLimit, type AdaptiveLimitPolicy } from '../../src/resilience/adaptive-limit.js';
import { AimdLimit } from '../../src/resilience/aimd-limit.js';
import { Gradient2Limit } from '../../src/resilience/gradient2-limit.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { differs, scenario } from './scenario.js';
import { ScriptedUpstream } from './scripted-upstream.js';

const CEILING = 200;

function policy(given: Partial<AdaptiveLimitPolicy>): AdaptiveLimitPolicy {
  return { ...resolvePolicy().adaptiveLimit, initialLimit: 10, minLimit: 1, ...given };
}

/** One attempt at a time on a limit's own clock. */
class Load {
  now = 0;

  constructor(readonly limit: AdaptiveLimit) {}

  /** An attempt of `rttMs`, with so many in flight; or one that was dropped. */
  attempt(rttMs: number, { inFlight = this.limit.limit, dropped = false, ceiling = CEILING } = {}): void {
    const attempt = { epoch: this.limit.epoch, startedAt: this.now, inFlight };
    this.now += rttMs;
    this.limit.settle(attempt, this.now, dropped, ceiling);
  }

  /** A window: as many attempts at once as the limit lets through, at least ten, all of `rttMs`. */
  window(rttMs: number, inFlight = this.limit.limit): void {
    const { epoch } = this.limit;
    // Past the end of the window before, however long that was.
    this.now += Math.max(1_000, rttMs);
    for (let sample = 0; sample < 10; sample++) {
      this.limit.settle({ epoch, startedAt: this.now - rttMs, inFlight }, this.now, false, CEILING);
    }
  }
}

const aimd = (given: Partial<AdaptiveLimitPolicy> = {}): Load => new Load(new AimdLimit(policy(given)));
const gradient2 = (given: Partial<AdaptiveLimitPolicy> = {}): Load =>
  new Load(new Gradient2Limit(policy(given)));

describe('AIMD', () => {
  scenario(
    'concurrency-limits',
    'AIMDLimitTest.testDefault',
    'given 10, when nothing has happened, then it is 10',
    () => {
      expect(aimd().limit.limit).toBe(10);
    },
  );

  scenario(
    'concurrency-limits',
    'AIMDLimitTest.increaseOnSuccess',
    'given 10 in use, when one succeeds, then it is 11',
    () => {
      const load = aimd();
      load.attempt(1, { inFlight: 10 });
      expect(load.limit.limit).toBe(11);
    },
  );

  scenario(
    'concurrency-limits',
    'AIMDLimitTest.decreaseOnDrops',
    'given 10, when one is dropped, then it is 9',
    () => {
      const load = aimd();
      load.attempt(1, { dropped: true });
      expect(load.limit.limit).toBe(9);
    },
  );

  scenario(
    'concurrency-limits',
    'AIMDLimit.java (inflight * 2 >= limit)',
    'given 10, when 4 are in flight it stays 10; when 5 are, it grows',
    () => {
      const load = aimd();
      for (let call = 0; call < 100; call++) load.attempt(1, { inFlight: 4 });
      expect(load.limit.limit).toBe(10);
      load.attempt(1, { inFlight: 5 });
      expect(load.limit.limit).toBe(11);
    },
  );

  scenario(
    'concurrency-limits',
    'AIMDLimit.java (rtt > timeout is a drop)',
    'given 500 ms, when an attempt takes 500 ms it grows, and when one takes 501 ms it falls',
    () => {
      const load = aimd({ latencyThresholdMs: 500 });
      load.attempt(500);
      expect(load.limit.limit).toBe(11);
      load.attempt(501);
      expect(load.limit.limit).toBe(9);
    },
  );

  scenario(
    'concurrency-limits',
    'AIMDLimit.Builder.minLimit, maxLimit',
    'given 4 to 12, when 100 are dropped it is 4, and when 1,000 succeed it is 12',
    () => {
      const load = aimd({ minLimit: 4 });
      for (let call = 0; call < 100; call++) load.attempt(1, { dropped: true });
      expect(load.limit.limit).toBe(4);
      for (let call = 0; call < 1_000; call++) load.attempt(1, { ceiling: 12 });
      expect(load.limit.limit).toBe(12);
    },
  );

  differs(
    'concurrency-limits',
    'AIMDLimit.java (every dropped request is a decrease)',
    'given 64 attempts under way, when all 64 time out together, then it falls once, to 57',
    'they are one piece of news; sixty-four decreases would leave a limit of 1',
    () => {
      const { limit } = aimd({ initialLimit: 64 });
      const { epoch } = limit;
      for (let attempt = 0; attempt < 64; attempt++) {
        limit.settle({ epoch, startedAt: 0, inFlight: 64 }, 1_000, true, CEILING);
      }
      expect(limit.limit).toBe(57);
    },
  );

  scenario(
    'concurrency-limits',
    'Limiter.Listener.onIgnore',
    'given a limit of 20, when 100 clients leave and 100 answers are 404 with nothing else in flight, then it is 20',
    () => {
      const scripted = new ScriptedUpstream({
        adaptiveLimit: { enabled: true, initialLimit: 20 },
        circuitBreaker: { mode: 'disabled' },
        retry: { maxAttempts: 1 },
      });
      for (let call = 0; call < 100; call++) scripted.call().leave();
      for (let call = 0; call < 100; call++) {
        scripted.call();
        scripted.last.answer(404);
      }
      expect(scripted.upstream.bulkhead.limit).toBe(20);
      scripted.call();
      scripted.last.answer(503);
      expect(scripted.upstream.bulkhead.limit).toBe(18);
    },
  );
});

describe('Gradient2', () => {
  scenario(
    'concurrency-limits',
    'Gradient2Limit.java (no gradient: limit + queueSize, smoothed)',
    'given 20, a queue of 4 and no smoothing, when 3 windows have the same latency, then it is 24, 28, 32',
    () => {
      const load = gradient2({ initialLimit: 20, queueSize: 4, smoothingPercent: 100 });
      const limits = [1, 2, 3].map(() => {
        load.window(100);
        return load.limit.limit;
      });
      expect(limits).toEqual([24, 28, 32]);
    },
  );

  scenario(
    'concurrency-limits',
    'Gradient2Limit.java (gradient at least 0.5)',
    'given latencies of 100 ms for long, when a window takes 10 s, then the limit is at most halved, plus the queue',
    () => {
      const load = gradient2({ initialLimit: 40, queueSize: 4, smoothingPercent: 100 });
      for (let window = 0; window < 20; window++) load.window(100);
      const before = load.limit.limit;
      load.window(10_000);
      expect(load.limit.limit).toBeGreaterThanOrEqual(Math.floor(before / 2));
      expect(load.limit.limit).toBeLessThan(before);
    },
  );

  scenario(
    'concurrency-limits',
    'Gradient2Limit.java (rttTolerance 1.5)',
    'given latencies of 100 ms, when they become 149 ms, then the limit does not fall',
    () => {
      const load = gradient2({ initialLimit: 20, smoothingPercent: 100, rttTolerancePercent: 150 });
      for (let window = 0; window < 15; window++) load.window(100);
      const before = load.limit.limit;
      load.window(149);
      load.window(149);
      expect(load.limit.limit).toBeGreaterThanOrEqual(before);
    },
  );

  scenario(
    'concurrency-limits',
    'Gradient2Limit.java (no growth while inflight < limit / 2)',
    'given 20, when 100 windows pass with 9 in flight, then it is 20',
    () => {
      const load = gradient2({ initialLimit: 20, smoothingPercent: 100 });
      for (let window = 0; window < 100; window++) load.window(100, 9);
      expect(load.limit.limit).toBe(20);
    },
  );

  scenario(
    'concurrency-limits',
    'Gradient2Limit.Builder.minLimit, maxConcurrency',
    'given at least 4 and at most 200, when windows go from 10 ms to 1 s and back for long, then it never leaves those bounds',
    () => {
      const load = gradient2({ initialLimit: 20, minLimit: 4, smoothingPercent: 100 });
      for (let window = 0; window < 400; window++) {
        load.window(window % 40 < 20 ? 10 : 1_000);
        expect(load.limit.limit).toBeGreaterThanOrEqual(4);
        expect(load.limit.limit).toBeLessThanOrEqual(CEILING);
      }
    },
  );

  scenario(
    'Envoy',
    'gradient_controller_test.cc GradientControllerTest.MinRTTEpoch (#11579)',
    'given a sample of an earlier epoch, when it comes back after an hour, then the limit does not move',
    () => {
      for (const load of [gradient2({ smoothingPercent: 100 }), aimd()]) {
        load.attempt(10, { dropped: true });
        const { limit } = load.limit;
        for (let sample = 0; sample < 100; sample++) {
          load.limit.settle(
            { epoch: load.limit.epoch - 1, startedAt: 0, inFlight: 100 },
            3_600_000,
            true,
            CEILING,
          );
        }
        expect(load.limit.limit).toBe(limit);
      }
    },
  );

  differs(
    'concurrency-limits',
    'Gradient2Limit.java (didDrop is not looked at)',
    'given latencies of 100 ms, when 9 of 10 attempts of a window are refused at once, then the limit falls',
    'an upstream that rejects at once is as full as one that is slow',
    () => {
      const load = gradient2({ initialLimit: 40, smoothingPercent: 100 });
      for (let window = 0; window < 15; window++) load.window(100);
      const before = load.limit.limit;
      load.now += 2_000;
      for (let sample = 0; sample < 20; sample++) load.attempt(100, { dropped: sample % 10 !== 0 });
      expect(load.limit.limit).toBeLessThan(before);
    },
  );

  differs(
    'Envoy',
    'adaptive_concurrency_filter.rst (pinned to 3 requests while minRTT is measured; #46532, #38338)',
    'given latencies of 100 ms and a limit of 40, when they are 300 ms for 40 windows, then it is measured anew at no less than a third of the limit',
    'three of forty is a burst of refusals',
    () => {
      const load = gradient2({ initialLimit: 40, smoothingPercent: 20 });
      for (let window = 0; window < 15; window++) load.window(100);
      let measured = 0;
      for (let window = 0; window < 40; window++) {
        const { epoch, limit } = load.limit;
        load.window(300);
        if (load.limit.epoch === epoch) continue;
        measured++;
        expect(load.limit.limit).toBeGreaterThanOrEqual(Math.floor(limit / 3));
      }
      expect(measured).toBe(1);
    },
  );
});

describe('the ceiling', () => {
  scenario(
    'concurrency-limits',
    'AbstractLimiter (the limit is what the limiter admits)',
    'given a bulkhead of 30 and a limit that grows, when 1,000 calls succeed, then at most 30 are ever on the wire',
    () => {
      const scripted = new ScriptedUpstream({
        bulkhead: { maxConcurrentCalls: 30, maxQueue: 0 },
        adaptiveLimit: { enabled: true, initialLimit: 20 },
        circuitBreaker: { mode: 'disabled' },
      });
      let most = 0;
      for (let round = 0; round < 50; round++) {
        for (let call = 0; call < 40; call++) scripted.call();
        most = Math.max(most, scripted.open.length);
        scripted.clock.advance(10);
        for (const attempt of scripted.open) attempt.answer();
      }
      expect(most).toBe(30);
      expect(scripted.upstream.bulkhead.limit).toBe(30);
    },
  );
});
