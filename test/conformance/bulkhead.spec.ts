import { Bulkhead, type BulkheadPolicy } from '../../src/resilience/bulkhead.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { differs, scenario } from './scenario.js';
import { NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

const R4J = 'SemaphoreBulkheadTest';

function bulkhead(maxConcurrentCalls: number, policy: Partial<BulkheadPolicy> = {}): Bulkhead {
  return new Bulkhead({ maxConcurrentCalls, maxQueue: 64, maxQueueWaitMs: 100, ...policy });
}

const free = (permits: Bulkhead): number => permits.limit - permits.inUse;

/** An upstream whose attempts hold their permit until the test ends them, and are made once. */
function guarded(written: Partial<BulkheadPolicy>): ScriptedUpstream {
  return new ScriptedUpstream({ retry: { maxAttempts: 1 }, bulkhead: written, ...NO_BREAKER });
}

describe('permits', () => {
  scenario(
    'resilience4j',
    `${R4J}.testBulkhead`,
    'given 2 permits, when both are out a third call is refused; when they come back there are 1, 2, and it goes on',
    () => {
      const permits = bulkhead(2, { maxQueue: 0 });
      expect([permits.tryAcquire(), permits.tryAcquire(), permits.tryAcquire()]).toEqual([true, true, false]);
      permits.release();
      expect(free(permits)).toBe(1);
      permits.release();
      expect(free(permits)).toBe(2);
      expect(permits.tryAcquire()).toBe(true);
    },
  );

  scenario(
    'concurrency-limits',
    'SimpleLimiterTest.useLimiterCapacityUntilTotalLimit',
    'given 10 permits, when 11 ask, then 10 get one, and 10 are in use',
    () => {
      const permits = bulkhead(10);
      expect(Array.from({ length: 11 }, () => permits.tryAcquire())).toEqual([
        ...new Array<boolean>(10).fill(true),
        false,
      ]);
      expect(permits.inUse).toBe(10);
    },
  );

  scenario(
    'concurrency-limits',
    'SimpleLimiterTest.testReleaseLimit',
    'given 10 of 10 in use, when 1 comes back there are 9, and exactly 1 more gets one',
    () => {
      const permits = bulkhead(10);
      for (let taken = 0; taken < 10; taken++) permits.tryAcquire();
      permits.release();
      expect(permits.inUse).toBe(9);
      expect([permits.tryAcquire(), permits.tryAcquire()]).toEqual([true, false]);
      expect(permits.inUse).toBe(10);
    },
  );

  differs(
    'resilience4j',
    `${R4J}.testZeroMaxConcurrentCalls (0 permits let nobody through)`,
    'given 0 permits, when the policy is loaded, then it is refused',
    'an upstream nobody may call is a mistake; to keep everybody away there is force-open',
    () => {
      expect(() => resolvePolicy({ bulkhead: { maxConcurrentCalls: 0 } })).toThrow(/maxConcurrentCalls/);
    },
  );

  scenario(
    '.NET resilience',
    'ConcurrencyLimiter (queue limit 0)',
    'given 2 permits and no queue, when 3 call at once, then 2 are on the wire and the third has failed in the same turn',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 2, maxQueue: 0 });
      const callers = [scripted.call(), scripted.call(), scripted.call()];
      expect(callers.map(({ outcome }) => outcome)).toEqual(['pending', 'pending', 'full']);
    },
  );

  scenario(
    'Envoy',
    'circuit_breaker.proto Thresholds.max_pending_requests',
    'given 1 permit and a queue of 2, when 4 call at once, then 1 runs, 2 wait, and 1 is refused',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1, maxQueue: 2 });
      const callers = Array.from({ length: 4 }, () => scripted.call());
      expect(callers.map(({ outcome }) => outcome)).toEqual(['pending', 'pending', 'pending', 'full']);
      expect(scripted.upstream.bulkhead).toMatchObject({ inUse: 1, queued: 2 });
    },
  );
});

describe('the queue', () => {
  scenario(
    'resilience4j',
    `${R4J}.testTryEnterWithTimeout`,
    'given 1 permit that is out and a wait of 50 ms, when 49 ms have passed a call waits; after 50 ms it is refused',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1, maxQueueWaitMs: 50 });
      scripted.call();
      const waiting = scripted.call();
      scripted.clock.advance(49);
      expect(waiting.outcome).toBe('pending');
      scripted.clock.advance(1);
      expect(waiting.outcome).toBe('full');
      expect(scripted.upstream.bulkhead.queued).toBe(0);
    },
  );

  scenario(
    'resilience4j',
    `${R4J}.testTryEnterWithInterruptDuringTimeout`,
    'given a wait of 1 s, when a caller leaves after 10 ms, then it leaves the queue and its timer in that turn',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1, maxQueueWaitMs: 1_000 });
      const running = scripted.call();
      const timers = scripted.clock.pendingTimers;
      const waiting = scripted.call();
      scripted.clock.advance(10);
      waiting.leave();
      expect(scripted.upstream.bulkhead.queued).toBe(0);
      expect(scripted.clock.pendingTimers).toBe(timers);
      running.leave();
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'resilience4j',
    'BulkheadConfig.fairCallHandlingStrategyEnabled',
    'given 1 permit and 5 waiting, when it comes back again and again, then they run in the order they came in',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1 });
      for (let call = 0; call < 6; call++) scripted.call({ url: `/${call}` });
      for (let call = 0; call < 6; call++) scripted.last.answer();
      expect(scripted.attempts.map(({ config }) => config.url?.at(-1)).join('')).toBe('012345');
    },
  );

  scenario(
    'resilience4j',
    '#1592, #2506: failing fast at saturation loses calls a short wait would have served',
    'given 10 permits and calls of 10 ms, when 20 come at once, then all 20 succeed within 20 ms',
    () => {
      const scripted = new ScriptedUpstream(
        { bulkhead: { maxConcurrentCalls: 10 } },
        {
          script: (attempt, clock) => {
            clock.setTimeout(
              () => {
                attempt.answer();
              },
              10,
              undefined,
            );
          },
        },
      );
      const callers = Array.from({ length: 20 }, () => scripted.call());
      scripted.clock.advance(20);
      expect(callers.every(({ outcome }) => outcome === 'ok')).toBe(true);
    },
  );

  scenario(
    'failsafe',
    '#393, #400: an abandoned waiter eats a permit',
    'given 1 permit and 3 waiting, when the first two leave and the permit comes back, then the third has it',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1 });
      const running = scripted.call();
      const [one, two, three] = [scripted.call(), scripted.call(), scripted.call()];
      one.leave();
      two.leave();
      scripted.last.answer();
      expect(running.outcome).toBe('ok');
      expect(scripted.attempts).toHaveLength(2);
      scripted.last.answer();
      expect(three.outcome).toBe('ok');
      scripted.expectNothingLeft();
    },
  );

  differs(
    'cockatiel',
    'BulkheadPolicy (C7: an aborted waiter keeps its place)',
    'given 1 permit and a queue of 1, when the one waiting leaves, then the next caller waits in its place',
    'a place in the queue is for somebody who waits',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1, maxQueue: 1 });
      scripted.call();
      const waiting = scripted.call();
      expect(scripted.call().outcome).toBe('full');
      waiting.leave();
      expect(scripted.call().outcome).toBe('pending');
      expect(scripted.upstream.bulkhead.queued).toBe(1);
    },
  );
});

describe('a bulkhead that is resized', () => {
  scenario(
    'resilience4j',
    `${R4J}.changePermissionsInIdleState`,
    'given 3 permits, when it is made 5 and then 2, then 5 and then 2 are free',
    () => {
      const permits = bulkhead(3);
      permits.resize(5);
      expect(free(permits)).toBe(5);
      permits.resize(2);
      expect(free(permits)).toBe(2);
    },
  );

  scenario(
    'resilience4j',
    `${R4J}.changePermissionsCountWhileOneThreadIsRunningWithThisPermission (growing)`,
    'given 1 permit that is out, when there are 2, then exactly 1 more call gets through',
    () => {
      const permits = bulkhead(1);
      permits.tryAcquire();
      expect(permits.tryAcquire()).toBe(false);
      permits.resize(2);
      expect([permits.tryAcquire(), permits.tryAcquire()]).toEqual([true, false]);
    },
  );

  differs(
    'resilience4j',
    `${R4J}.changePermissionsCountWhileOneThreadIsRunningWithThisPermission (shrinking waits for permits)`,
    'given 2 of 2 permits out, when there is to be 1, then nobody is cut off, and the next call waits for both',
    'there is nobody to block: it drains by handing out nothing',
    () => {
      const permits = bulkhead(2);
      permits.tryAcquire();
      permits.tryAcquire();
      permits.resize(1);
      expect(permits.snapshot()).toMatchObject({ inUse: 2, limit: 1 });
      permits.release();
      expect(permits.tryAcquire()).toBe(false);
      permits.release();
      expect(permits.tryAcquire()).toBe(true);
    },
  );

  scenario(
    'resilience4j',
    `${R4J}.changePermissionsCountWhileOneThreadIsWaitingForPermission`,
    'given 1 permit out and 1 waiting, when there are 2, then the one waiting runs at once',
    () => {
      const scripted = guarded({ maxConcurrentCalls: 1 });
      scripted.call();
      scripted.call();
      expect(scripted.attempts).toHaveLength(1);
      scripted.upstream.bulkhead.resize(2);
      expect(scripted.attempts).toHaveLength(2);
      expect(scripted.upstream.bulkhead).toMatchObject({ inUse: 2, queued: 0 });
    },
  );

  scenario(
    'resilience4j',
    `${R4J}.changePermissionsConcurrently`,
    'given 3 permits and 2 out, when it is made 1 and at once 4, and one comes back, then 3 are free',
    () => {
      const permits = bulkhead(3);
      permits.tryAcquire();
      permits.tryAcquire();
      permits.resize(1);
      permits.resize(4);
      permits.release();
      expect(free(permits)).toBe(3);
    },
  );
});
