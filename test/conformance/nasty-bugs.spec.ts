import { fullJitter } from '../../src/resilience/backoff.js';
import { CircuitBreaker } from '../../src/resilience/circuit-breaker.js';
import { MAX_TIMER_MS, systemClock } from '../../src/resilience/clock.js';
import { seededRandom } from '../../src/resilience/random.js';
import { VirtualClock } from '../../src/resilience/virtual-clock.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { RequestContext } from '../../src/upstream/request-context.js';
import { parseRetryAfter } from '../../src/upstream/retry-after.js';
import { BreakerBench } from './breaker-bench.js';
import { scenario } from './scenario.js';
import { NO_BACKOFF, NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

/** Bugs that others had, met again here: their number in our list, and who reported them where. */
function bug(number: number, reported: string, fact: string, run: () => void): void {
  scenario('nasty bugs', `${number} (${reported})`, fact, run);
}

const ONCE = { retry: { maxAttempts: 1 } } as const;

describe('retries', () => {
  bug(
    1,
    'Envoy #24937, #10869',
    'given a caller that repeats its request already, when the upstream is dead, then it is asked once a request, not 4 times',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 4 }, ...NO_BREAKER },
        {
          random: NO_BACKOFF,
          script: (attempt) => {
            attempt.fail('reset');
          },
        },
      );
      scripted.call({}, new RequestContext('r', Infinity, {}, undefined, { retriedAbove: true }));
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  bug(
    2,
    'Envoy #30205',
    'given 20 % and no floor, when 1,000 calls fail at the same moment, then 200 retries are asleep, and not 1,000',
    () => {
      const scripted = new ScriptedUpstream({
        bulkhead: { maxConcurrentCalls: 1_000 },
        retryBudget: { percent: 20, minRetriesPerSecond: 0 },
        ...NO_BREAKER,
      });
      for (let call = 0; call < 1_000; call++) scripted.call();
      for (const attempt of scripted.open) attempt.fail('reset');
      expect(scripted.withdrawn).toBe(200);
      expect(scripted.retryDelays).toHaveLength(200);
    },
  );

  bug(
    3,
    'envoy-mobile #811',
    'given a floor of 10 a second, when everything has failed and nothing is in flight, then there are 100 retries all the same',
    () => {
      const scripted = new ScriptedUpstream({
        bulkhead: { maxConcurrentCalls: 500 },
        retryBudget: { percent: 0, minRetriesPerSecond: 10, windowMs: 10_000 },
        ...NO_BREAKER,
      });
      for (let call = 0; call < 500; call++) {
        scripted.call();
        scripted.last.fail('reset');
      }
      expect(scripted.open).toHaveLength(0);
      expect(scripted.withdrawn).toBe(100);
    },
  );

  bug(
    17,
    'undici #5675; cockatiel C6',
    'given a backoff of 400 ms, when the caller leaves after 20 ms, then it is over after 20 ms, and nobody is asked again',
    () => {
      const scripted = new ScriptedUpstream(
        { retry: { maxAttempts: 2, backoffBaseMs: 800, backoffCapMs: 800 } },
        { random: () => 0.5 },
      );
      const caller = scripted.call();
      scripted.last.fail('reset');
      expect(scripted.retryDelays).toEqual([400]);
      scripted.clock.advance(20);
      caller.leave();
      scripted.expectNothingLeft();
      scripted.clock.advance(1_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  bug(
    19,
    'p-retry, got: setTimeout above 2^31 - 1 ms fires at once',
    'given a delay of 30 days, when the timer is set, then it is set to 2^31 - 1 ms and not to 1',
    () => {
      const timers = jest.spyOn(globalThis, 'setTimeout');
      const timer = systemClock.setTimeout(() => undefined, 30 * 86_400_000, undefined);
      systemClock.clearTimeout(timer);
      expect(timers.mock.calls.at(-1)?.[1]).toBe(MAX_TIMER_MS);
      timers.mockRestore();
    },
  );

  bug(
    20,
    'Polly #2163; cockatiel #86',
    'given 25 ms doubling, when it is retry 5,000, then the delay is a number from 0 to 250',
    () => {
      const delayMs = fullJitter(seededRandom(3), 25, 250, 5_000);
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(250);
    },
  );

  bug(
    21,
    'undici #4084, #5519, #5683; smithy #2080; ky #603',
    'given Retry-After: 0, past, absurd and broken, when it is read, then it is 0, 0, a day at most, and no hint',
    () => {
      const now = Date.UTC(2026, 0, 1);
      expect(parseRetryAfter('0', now)).toBe(0);
      expect(parseRetryAfter('Wed, 31 Dec 2025 23:59:59 GMT', now)).toBe(0);
      expect(parseRetryAfter('99999999999999999999', now)).toBe(86_400_000);
      for (const broken of ['', '-5', '1.5', '5s', 'soon 5', 'Infinity', 'NaN']) {
        expect(parseRetryAfter(broken, now)).toBeUndefined();
      }
    },
  );

  bug(
    22,
    'axios-retry #66, #17',
    'given 4 attempts, when the connection of a POST is reset, then it is not sent a second time',
    () => {
      const scripted = new ScriptedUpstream({ retry: { maxAttempts: 4 } }, { random: NO_BACKOFF });
      const caller = scripted.call({ method: 'POST' });
      scripted.last.fail('reset');
      scripted.clock.advance(3_000);
      expect(scripted.attempts).toHaveLength(1);
      expect(caller.outcome).toBe('reset');
    },
  );

  bug(
    23,
    'node #47130; undici #583, #2412, #3492',
    'given a socket the server had closed while it was idle, when a GET and a POST meet it, then the GET is sent again, once, and the POST is not',
    () => {
      for (const [method, attempts] of [
        ['GET', 2],
        ['POST', 1],
      ] as const) {
        const scripted = new ScriptedUpstream(ONCE);
        scripted.call({ method });
        scripted.last.fail('idle-closed');
        expect(scripted.attempts).toHaveLength(attempts);
      }
    },
  );

  bug(
    30,
    'undici #3356, #5405, #470, #4975; linkerd2 #15649',
    'given an answer that has begun, when the connection is reset, then the caller hears one value and the error, never a second answer',
    () => {
      const scripted = new ScriptedUpstream({ retry: { maxAttempts: 4 } }, { random: NO_BACKOFF });
      const caller = scripted.call();
      scripted.last.emit();
      scripted.last.fail('reset');
      scripted.clock.advance(3_000);
      expect(caller.signals).toEqual(['next', 'error']);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  bug(
    39,
    'go-zero #5011',
    'given 20 %, when 10 calls hang and the 11th fails, then the 10 count already: it is retried',
    () => {
      const scripted = new ScriptedUpstream({
        retryBudget: { percent: 10, minRetriesPerSecond: 0 },
        ...NO_BREAKER,
      });
      for (let call = 0; call < 10; call++) scripted.call();
      scripted.call();
      scripted.last.fail('reset');
      expect(scripted.withdrawn).toBe(1);
    },
  );
});

describe('the breaker', () => {
  bug(
    4,
    'safe-client-gateway #3442; Polly #216; opossum #119, #120',
    'given 3 probes that hang, when 1,000 callers come, then all 1,000 are refused in that very moment, with the time to wait',
    () => {
      const bench = new BreakerBench().awaitProbes();
      expect(bench.admitted()).toBe(3);
      let refused = 0;
      for (let caller = 0; caller < 1_000; caller++) if (bench.refuses()) refused++;
      expect(refused).toBe(1_000);
      expect(bench.breaker.retryAfterMs).toBe(2_000);
    },
  );

  bug(
    5,
    'Polly #1979, #311, #717; opossum #57, #276; resilience4j #903, #935, #1389, #2028',
    'given 1,000 probes whose outcome says nothing, when the next two succeed, then it closes',
    () => {
      const bench = new BreakerBench().awaitProbes();
      bench.calls('N'.repeat(1_000));
      expect(bench.state).toBe('half-open');
      bench.calls('SS');
      expect(bench.state).toBe('closed');
    },
  );

  bug(
    6,
    'resilience4j #1432 and HalfOpenState.releasePermission',
    'given 50 callers of the closed state, when they leave while it is half-open, then there are 3 permits, and not 53',
    () => {
      const bench = new BreakerBench();
      const earlier = Array.from({ length: 50 }, () => bench.take());
      bench.awaitProbes();
      const probe = bench.take();
      for (const token of earlier) bench.settle(token, 'N');
      bench.settle(probe, 'N');
      bench.settle(probe, 'N');
      expect(bench.admitted()).toBe(3);
    },
  );

  bug(
    7,
    'opossum #381, #382, O2; Polly #217; cockatiel C2; ray #65068',
    'given calls from before it opened, when they succeed or fail late, then neither an open nor a half-open breaker moves',
    () => {
      const bench = new BreakerBench();
      const late = Array.from({ length: 40 }, () => bench.take());
      bench.open();
      for (const token of late.slice(0, 20)) bench.settle(token, 'S');
      expect(bench.state).toBe('open');
      bench.clock.advance(bench.breaker.retryAfterMs);
      const probe = bench.take();
      for (const token of late.slice(20)) bench.settle(token, 'F');
      expect(bench.state).toBe('half-open');
      bench.settle(probe, 'S');
      bench.calls('S');
      expect(bench.state).toBe('closed');
      expect(bench.breaker.snapshot().late).toBe(40);
    },
  );

  bug(
    8,
    'Polly #218, #223',
    'given 100 calls under way, when all fail, then it opens once, and says so once',
    () => {
      const bench = new BreakerBench();
      const tokens = Array.from({ length: 100 }, () => bench.take());
      for (const token of tokens) bench.settle(token, 'F');
      expect(bench.edges).toEqual(['closed > open']);
    },
  );

  bug(
    11,
    'resilience4j #1656; opossum O3',
    'given 2 permits and no queue, when 6 healthy calls come at once, again and again, then 4 of 6 are refused and the breaker has not moved',
    () => {
      const scripted = new ScriptedUpstream({
        ...ONCE,
        bulkhead: { maxConcurrentCalls: 2, maxQueue: 0 },
        circuitBreaker: { minimumNumberOfCalls: 1 },
      });
      for (let round = 0; round < 20; round++) {
        const callers = Array.from({ length: 6 }, () => scripted.call());
        for (const attempt of scripted.open) attempt.answer();
        expect(callers.filter(({ outcome }) => outcome === 'full')).toHaveLength(4);
      }
      expect(scripted.upstream.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 40, failures: 0 });
    },
  );

  bug(
    14,
    'linkerd #1342; cockatiel C3, C4; Polly',
    'given at least 5 calls, when 10,000 clients leave, then the breaker has counted nothing; nor is a probe lost to one',
    () => {
      const scripted = new ScriptedUpstream({ ...ONCE, circuitBreaker: { minimumNumberOfCalls: 5 } });
      for (let client = 0; client < 10_000; client++) scripted.call().leave();
      expect(scripted.upstream.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0, failures: 0 });
      scripted.expectNothingLeft();

      for (let call = 0; call < 5; call++) {
        scripted.call();
        scripted.last.fail('reset');
      }
      scripted.clock.advance(scripted.upstream.breaker.retryAfterMs);
      for (let client = 0; client < 100; client++) scripted.call().leave();
      expect(scripted.upstream.breaker.stateName).toBe('half-open');
      for (let probe = 0; probe < 2; probe++) {
        scripted.call();
        scripted.last.answer();
      }
      expect(scripted.upstream.breaker.stateName).toBe('closed');
    },
  );

  bug(
    40,
    'opossum #809, #648, O11',
    'given 1,000 breakers, when each opens, probes and closes, then not one timer was ever set',
    () => {
      const clock = new VirtualClock();
      const timers = jest.spyOn(clock, 'setTimeout');
      const { circuitBreaker } = resolvePolicy();
      const breakers = Array.from(
        { length: 1_000 },
        () => new CircuitBreaker(circuitBreaker, clock, () => 0.5),
      );
      const make = (breaker: CircuitBreaker, outcome: 'success' | 'failure'): void => {
        const token = breaker.tryAcquire();
        if (token !== undefined) breaker.settle(token, outcome);
      };
      for (const breaker of breakers) for (let call = 0; call < 20; call++) make(breaker, 'failure');
      clock.advance(5_000);
      for (const breaker of breakers) for (let call = 0; call < 2; call++) make(breaker, 'success');
      expect(breakers.every(({ stateName }) => stateName === 'closed')).toBe(true);
      expect(timers).not.toHaveBeenCalled();
    },
  );
});

describe('the bulkhead', () => {
  bug(
    9,
    'resilience4j #332; failsafe #393, #400',
    'given 1 permit, when 1,000 callers in a row leave while they run or wait, then the permit is still there',
    () => {
      const scripted = new ScriptedUpstream({ ...ONCE, bulkhead: { maxConcurrentCalls: 1 } });
      for (let round = 0; round < 500; round++) {
        const [running, waiting] = [scripted.call(), scripted.call()];
        (round % 2 === 0 ? running : waiting).leave();
        (round % 2 === 0 ? waiting : running).leave();
      }
      scripted.expectNothingLeft();
      expect(scripted.call().outcome).toBe('pending');
      expect(scripted.open).toHaveLength(1);
    },
  );

  bug(
    10,
    'resilience4j #263, #264',
    'given 1 permit, when an attempt answers, ends late and its caller leaves as well, then 1 call runs at a time, and not 2',
    () => {
      const scripted = new ScriptedUpstream({ ...ONCE, bulkhead: { maxConcurrentCalls: 1 } });
      const caller = scripted.call();
      const attempt = scripted.last;
      attempt.answer();
      attempt.fail('reset');
      caller.leave();
      expect(scripted.upstream.bulkhead.inUse).toBe(0);
      scripted.call();
      scripted.call();
      expect(scripted.open).toHaveLength(1);
      expect(scripted.upstream.bulkhead).toMatchObject({ inUse: 1, queued: 1 });
    },
  );

  bug(
    12,
    'opossum O4',
    'given 1 permit and a hung upstream, when the attempt times out and the next one starts, then the hung one has been cut',
    () => {
      const scripted = new ScriptedUpstream({
        ...ONCE,
        bulkhead: { maxConcurrentCalls: 1, maxQueueWaitMs: 1_000 },
      });
      scripted.call();
      scripted.clock.advance(500);
      scripted.call();
      scripted.clock.advance(500);
      expect(scripted.attempts.map(({ state }) => state)).toEqual(['cut', 'open']);
    },
  );

  bug(
    13,
    'resilience4j #1592, #2506',
    'given no permit left, when a call waits for one, then the turn goes on: another upstream answers meanwhile',
    () => {
      const [full, other] = [
        new ScriptedUpstream({ bulkhead: { maxConcurrentCalls: 1 } }),
        new ScriptedUpstream(),
      ] as const;
      full.call();
      const waiting = full.call();
      const elsewhere = other.call();
      other.last.answer();
      expect([waiting.outcome, elsewhere.outcome]).toEqual(['pending', 'ok']);
    },
  );

  bug(
    26,
    'supabase/storage #1317',
    'given 3 endpoints and 2 permits, when 6 calls come, then 2 are on the wire, whichever pools they use',
    () => {
      const urls = ['http://192.0.2.1', 'http://192.0.2.2', 'http://192.0.2.3'];
      const scripted = new ScriptedUpstream({ urls, bulkhead: { maxConcurrentCalls: 2 } });
      for (let call = 0; call < 6; call++) scripted.call();
      expect(scripted.open).toHaveLength(2);
    },
  );
});

describe('time and cancellation', () => {
  bug(
    15,
    'opossum #861',
    'given two calls under way, when one times out and the other is left, then neither has cut the third',
    () => {
      const scripted = new ScriptedUpstream(ONCE);
      scripted.call();
      scripted.clock.advance(600);
      const [second, third] = [scripted.call(), scripted.call()];
      scripted.clock.advance(400);
      second.leave();
      expect(scripted.attempts.map(({ state }) => state)).toEqual(['cut', 'cut', 'open']);
      scripted.last.answer();
      expect(third.outcome).toBe('ok');
    },
  );

  bug(
    16,
    'node #54614, #55351, #48951, #57736; cockatiel #69, #81',
    'given one client for 1,000 calls, when they have ended one way or another, then it has no listener left',
    () => {
      const listeners = new Set<() => void>();
      const client = new RequestContext('r', Infinity, {});
      jest.spyOn(client, 'onClientLeave').mockImplementation((listener) => void listeners.add(listener));
      jest.spyOn(client, 'offClientLeave').mockImplementation((listener) => void listeners.delete(listener));
      const scripted = new ScriptedUpstream({ ...ONCE, ...NO_BREAKER });
      for (let call = 0; call < 1_000; call++) {
        const caller = scripted.call({}, client);
        if (call === 0) expect(listeners.size).toBe(1);
        if (call % 3 === 0) scripted.last.answer();
        else if (call % 3 === 1) scripted.last.fail('reset');
        else caller.leave();
      }
      expect(listeners.size).toBe(0);
    },
  );

  bug(
    24,
    'openclaw #97623; undici keepAliveMaxTimeout 600 s',
    'given the defaults, when a server hints at 600 s of keep-alive, then a connection idles for 25 s at most',
    () => {
      expect(resolvePolicy().connections).toMatchObject({ keepAliveMs: 4_000, keepAliveMaxMs: 25_000 });
    },
  );

  bug(
    25,
    'node #6713; undici #211',
    'given the defaults, when a name moves to another address, then a connection to the old one is at most 60 s old',
    () => {
      expect(resolvePolicy().connections.maxAgeMs).toBe(60_000);
    },
  );

  bug(
    27,
    'axios #459, #5886, #3798; azure-sdk-js #39519',
    'given 1 s, when an answer begins at once and never ends, then the attempt is cut after 1 s',
    () => {
      const scripted = new ScriptedUpstream(ONCE);
      scripted.call();
      scripted.last.emit();
      scripted.clock.advance(999);
      expect(scripted.last.state).toBe('open');
      scripted.clock.advance(1);
      expect(scripted.last.state).toBe('cut');
      scripted.expectNothingLeft();
    },
  );

  bug(
    29,
    'undici #3410, #3552, #1484; got #2248',
    'given 50 ms and answers that lie in the socket after 5 ms, when the loop is blocked for 80 ms, then 0 of 50 calls time out',
    () => {
      const scripted = new ScriptedUpstream(
        { ...ONCE, attemptTimeoutMs: 50, circuitBreaker: { minimumNumberOfCalls: 5 } },
        {
          // Bytes are read when the loop polls, after the timers that are due.
          script: (attempt, clock) => {
            clock.setTimeout(
              () => {
                clock.afterPoll(() => {
                  attempt.answer();
                }, undefined);
              },
              5,
              undefined,
            );
          },
        },
      );
      const callers = Array.from({ length: 50 }, () => scripted.call());
      scripted.clock.block(80);
      scripted.clock.advance(0);
      expect(callers.filter(({ outcome }) => outcome !== 'ok')).toHaveLength(0);
    },
  );

  bug(
    29,
    'the same, with nothing in the socket',
    'given 50 ms and a hung upstream, when the loop is blocked for 80 ms, then 50 of 50 time out 30 ms later, and the breaker has counted nothing',
    () => {
      const scripted = new ScriptedUpstream({
        ...ONCE,
        attemptTimeoutMs: 50,
        circuitBreaker: { minimumNumberOfCalls: 5 },
      });
      const callers = Array.from({ length: 50 }, () => scripted.call());
      scripted.clock.block(80);
      scripted.clock.advance(30);
      expect(new Set(callers.map(({ outcome }) => outcome))).toEqual(new Set(['timeout']));
      expect(scripted.upstream.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    },
  );

  bug(
    36,
    'nestjs/axios #1217; nest #773, #12023, #1524, #10853',
    'given a call under way, when its client goes away, then the request is cut off in that turn',
    () => {
      const scripted = new ScriptedUpstream();
      const context = new RequestContext('r', Infinity, {});
      const caller = scripted.call({}, context);
      context.clientLeft();
      expect(scripted.last).toMatchObject({ state: 'cut', teardowns: 1 });
      expect(caller.outcome).toBe('cancelled');
      scripted.expectNothingLeft();
    },
  );
});
