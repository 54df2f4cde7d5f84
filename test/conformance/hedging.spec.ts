import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { type WrittenUpstream } from '../../src/upstream/testing/spec-support.js';
import { differs, scenario } from './scenario.js';
import { type Caller, NO_BACKOFF, NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

const FINAGLE = 'BackupRequestFilterTest';
const A6 = 'A6 "Hedging Policy"';

/** Hedges 20 ms after the attempt before, and has had four calls to earn hedges by. */
function hedged(written: WrittenUpstream = {}): ScriptedUpstream {
  const scripted = new ScriptedUpstream(
    {
      hedge: { mode: 'fixed', delayMs: 20, maxHedges: 2, budgetPercent: 100 },
      retryBudget: { percent: 100 },
      ...NO_BREAKER,
      ...written,
    },
    { random: NO_BACKOFF },
  );
  for (let call = 0; call < 4; call++) {
    scripted.call();
    scripted.last.answer();
  }
  scripted.attempts.length = 0;
  return scripted;
}

/** Has seen `calls` calls of 100 ms each, and hedges after the 95th percentile of them. */
function warmed(calls: number): ScriptedUpstream {
  const scripted = new ScriptedUpstream({
    hedge: { mode: 'percentile', maxHedges: 1, budgetPercent: 100 },
    retryBudget: { percent: 100 },
    ...NO_BREAKER,
  });
  for (let call = 0; call < calls; call++) {
    scripted.call();
    scripted.clock.advance(100);
    scripted.last.answer();
  }
  scripted.clock.advance(3_000);
  scripted.attempts.length = 0;
  return scripted;
}

/** A call that has been hedged: the original and the hedge are both on the wire. */
function sendBackup(): { scripted: ScriptedUpstream; caller: Caller } {
  const scripted = warmed(100);
  const caller = scripted.call();
  scripted.clock.advance(110);
  expect(scripted.attempts).toHaveLength(2);
  return { scripted, caller };
}

const states = ({ attempts }: ScriptedUpstream): readonly string[] => attempts.map(({ state }) => state);

describe('when a hedge is sent', () => {
  scenario(
    'Finagle',
    'BackupRequestFilter.scala (none before the first percentile is known)',
    'given 19 calls of 100 ms, when the next one hangs, then it is not hedged; given 20, it is',
    () => {
      for (const [seen, attempts] of [
        [19, 1],
        [20, 2],
      ] as const) {
        const scripted = warmed(seen);
        scripted.call();
        scripted.clock.advance(400);
        expect(scripted.attempts).toHaveLength(attempts);
      }
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "Original request completes successfully before timer fires"`,
    'given 100 calls of 100 ms, when the next one answers after 50 ms, then there is no hedge, and no timer',
    () => {
      const scripted = warmed(100);
      const caller = scripted.call();
      scripted.clock.advance(50);
      scripted.last.answer();
      expect(caller.outcome).toBe('ok');
      scripted.expectNothingLeft();
      scripted.clock.advance(1_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "Original request completes unsuccessfully before timer fires"`,
    'given 100 calls of 100 ms, when the next one is refused for good after 50 ms, then the caller has that, and no hedge is sent',
    () => {
      const scripted = warmed(100);
      const caller = scripted.call();
      scripted.clock.advance(50);
      scripted.last.answer(500);
      expect(caller.failure?.status).toBe(500);
      scripted.clock.advance(1_000);
      expect(scripted.attempts).toHaveLength(1);
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "stat for send_backup_after"`,
    'given 100 calls of 100 ms, when the next one hangs, then the hedge follows after 100 ms, give or take a sixteenth',
    () => {
      const scripted = warmed(100);
      scripted.call();
      const [original] = scripted.attempts;
      scripted.clock.advance(99);
      expect(scripted.attempts).toHaveLength(1);
      scripted.clock.advance(8);
      expect(scripted.attempts).toHaveLength(2);
      expect(scripted.last.at - (original?.at ?? 0)).toBeLessThanOrEqual(106.25);
    },
  );

  for (const [budget, written] of [
    ['backup request retry budget', { hedge: { mode: 'fixed', delayMs: 20, budgetPercent: 1 } }],
    ['global retry budget', { retryBudget: { percent: 0, minRetriesPerSecond: 0 } }],
  ] as const satisfies readonly (readonly [string, WrittenUpstream])[]) {
    scenario(
      'Finagle',
      `${FINAGLE} "Don't send backup when backup timer fires if cannot withdraw from ${budget}"`,
      'given an empty budget, when the delay is over, then there is no hedge, and the original answers',
      () => {
        const scripted = hedged(written);
        const caller = scripted.call();
        scripted.clock.advance(500);
        expect(scripted.attempts).toHaveLength(1);
        scripted.last.answer();
        expect(caller.outcome).toBe('ok');
      },
    );
  }

  scenario(
    'Finagle',
    'BackupRequestFilter.scala (maxExtraLoad)',
    'given 10 %, when 1,000 calls hang past the delay, then at most 100 are hedged',
    () => {
      const scripted = hedged({
        hedge: { mode: 'fixed', delayMs: 20, maxHedges: 2, budgetPercent: 10 },
        bulkhead: { maxConcurrentCalls: 2_000 },
      });
      for (let call = 0; call < 1_000; call++) scripted.call();
      scripted.clock.advance(60);
      expect(scripted.attempts).toHaveLength(1_100);
    },
  );

  for (const percent of [-500, 200]) {
    scenario(
      'Finagle',
      `${FINAGLE} "extra load must be ${percent < 0 ? 'non-negative' : '<= 1.0'}"`,
      `given ${percent} %, when the policy is loaded, then it is refused`,
      () => {
        expect(() => resolvePolicy({ hedge: { budgetPercent: percent } })).toThrow(/budgetPercent/);
      },
    );
  }

  scenario(
    'gRPC',
    A6,
    'given 20 ms and 2 hedges, when all hang, then they are sent at 0, 20 and 40 ms',
    () => {
      const scripted = hedged();
      scripted.call();
      scripted.clock.advance(500);
      expect(scripted.attempts.map(({ at }) => at)).toEqual([0, 20, 40]);
    },
  );

  scenario(
    'gRPC',
    `${A6} (hedgingDelay 0: all at once)`,
    'given 0 ms and 2 hedges, when a call is made, then 3 attempts are on the wire in that moment',
    () => {
      const scripted = hedged({ hedge: { mode: 'fixed', delayMs: 0, maxHedges: 2, budgetPercent: 100 } });
      scripted.call();
      scripted.clock.advance(0);
      expect(scripted.attempts.map(({ at }) => at)).toEqual([0, 0, 0]);
    },
  );

  scenario(
    'gRPC',
    `${A6} (maxAttempts is at most 5)`,
    'given 5 hedges, when the policy is loaded, then it is refused; 4 beside the original are the most',
    () => {
      expect(() => resolvePolicy({ hedge: { maxHedges: 5 } })).toThrow(/maxHedges/);
      expect(resolvePolicy({ hedge: { maxHedges: 4 } }).hedge.maxHedges).toBe(4);
    },
  );

  differs(
    'gRPC',
    `${A6} (any method, as the service config says)`,
    'given hedging, when a POST, a PUT or a DELETE hangs, then it is not hedged',
    'two at once are not the same as one after another, even where repeating does no harm',
    () => {
      for (const method of ['POST', 'PUT', 'DELETE']) {
        const scripted = hedged();
        scripted.call({ method });
        scripted.clock.advance(500);
        expect(scripted.attempts).toHaveLength(1);
      }
    },
  );

  scenario(
    'gRPC',
    `${A6} (an address that was not used before)`,
    'given 3 endpoints, when a call is hedged twice, then it goes to 3 different ones',
    () => {
      const urls = ['http://192.0.2.1', 'http://192.0.2.2', 'http://192.0.2.3'];
      const scripted = hedged({ urls });
      scripted.call();
      scripted.clock.advance(100);
      expect(new Set(scripted.attempts.map(({ config }) => config.url)).size).toBe(scripted.attempts.length);
      expect(scripted.attempts).toHaveLength(3);
    },
  );
});

describe('who wins', () => {
  scenario(
    'Finagle',
    `${FINAGLE} "Backup request completes successfully first, sendInterrupts=true"`,
    'given both on the wire, when the hedge answers, then the caller has it, the original is cut, and the breaker has one success',
    () => {
      const { scripted, caller } = sendBackup();
      scripted.last.answer();
      expect(caller.outcome).toBe('ok');
      expect(states(scripted)).toEqual(['cut', 'answered']);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "Original request completes successfully first, sendInterrupts=true"`,
    'given both on the wire, when the original answers, then the caller has it, and the hedge is cut',
    () => {
      const { scripted, caller } = sendBackup();
      scripted.attempts[0]?.answer();
      expect(caller.outcome).toBe('ok');
      expect(states(scripted)).toEqual(['answered', 'cut']);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'gRPC',
    'A6 "Summary": a success cancels previous and pending hedges',
    'given 2 on the wire, when one begins to answer, then the other is cut before the caller hears of it',
    () => {
      const scripted = hedged();
      const caller = scripted.call();
      scripted.clock.advance(20);
      const seen: string[] = [];
      jest.spyOn(caller, 'next').mockImplementation(() => seen.push(...states(scripted)));
      scripted.last.emit();
      expect(seen).toEqual(['cut', 'open']);
    },
  );

  scenario(
    'Finagle',
    'Failure.Ignorable: a superseded request is nobody’s failure',
    'given at least 1 call, when 50 hedges win one after another, then 4 + 50 successes are counted, and nothing else',
    () => {
      const scripted = hedged({ circuitBreaker: { minimumNumberOfCalls: 1 } });
      for (let call = 0; call < 50; call++) {
        scripted.call();
        scripted.clock.advance(20);
        scripted.last.answer();
      }
      expect(scripted.attempts).toHaveLength(100);
      expect(scripted.upstream.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 54, failures: 0 });
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "Original request completes unsuccessfully first"`,
    'given both on the wire, when the original fails, then the caller waits for the hedge, and has its answer',
    () => {
      const { scripted, caller } = sendBackup();
      scripted.attempts[0]?.fail('reset');
      expect(caller.outcome).toBe('pending');
      scripted.last.answer();
      expect(caller.outcome).toBe('ok');
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} "Backup request completes unsuccessfully first"`,
    'given both on the wire, when the hedge fails, then the caller waits for the original, and has its answer',
    () => {
      const { scripted, caller } = sendBackup();
      scripted.last.fail('reset');
      expect(caller.outcome).toBe('pending');
      scripted.attempts[0]?.answer();
      expect(caller.outcome).toBe('ok');
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'gRPC',
    'A6 "Summary": a non-fatal status sends the next hedge at once, and later ones resume at the delay',
    'given 20 ms and 2 hedges, when the first attempt fails after 5 ms, then they are sent at 0, 5 and 25 ms',
    () => {
      const scripted = hedged();
      scripted.call();
      scripted.clock.advance(5);
      scripted.last.fail('reset');
      scripted.clock.advance(500);
      expect(scripted.attempts.map(({ at }) => at)).toEqual([0, 5, 25]);
    },
  );

  scenario(
    'gRPC',
    'A6 "Summary": a fatal status cancels what is under way and what is to come',
    'given 2 on the wire, when one is answered 500, then the caller has that, the other is cut, and there is no third',
    () => {
      const scripted = hedged();
      const caller = scripted.call();
      scripted.clock.advance(20);
      scripted.last.answer(500);
      expect(caller.failure?.status).toBe(500);
      scripted.clock.advance(500);
      expect(states(scripted)).toEqual(['cut', 'answered']);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'gRPC',
    'A6 "Pushback": do not retry',
    'given 2 on the wire, when one is answered 429, then there is no third, and the other may still answer',
    () => {
      const scripted = hedged();
      const caller = scripted.call();
      scripted.clock.advance(20);
      scripted.last.answer(429);
      scripted.clock.advance(500);
      expect(scripted.attempts).toHaveLength(2);
      scripted.attempts[0]?.answer();
      expect(caller.outcome).toBe('ok');
    },
  );

  scenario(
    'Polly',
    'HedgingResilienceStrategy: when all fail, the failure is that of the primary',
    'given 3 attempts, when the first is answered 503 and the others are reset, then the caller has the 503',
    () => {
      const scripted = hedged();
      const caller = scripted.call();
      scripted.clock.advance(40);
      scripted.attempts[0]?.answer(503);
      scripted.attempts[1]?.fail('reset');
      scripted.attempts[2]?.fail('reset');
      expect(caller.failure?.status).toBe(503);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'gRPC',
    'A6: a retry policy or a hedging policy, never both',
    'given 5 attempts by retry and 2 hedges, when a GET fails again and again, then 3 are made, and not 15',
    () => {
      const scripted = hedged({ retry: { maxAttempts: 5 } });
      const caller = scripted.call();
      for (let turn = 0; turn < 20; turn++) {
        for (const attempt of scripted.open) attempt.fail('reset');
        scripted.clock.advance(50);
      }
      expect(caller.outcome).toBe('reset');
      expect(scripted.attempts).toHaveLength(3);
    },
  );

  scenario(
    'Finagle',
    `${FINAGLE} (a caller that is interrupted)`,
    'given both on the wire, when the caller leaves, then both are cut, and no permit, token or timer is left',
    () => {
      const { scripted, caller } = sendBackup();
      caller.leave();
      expect(states(scripted)).toEqual(['cut', 'cut']);
      scripted.expectNothingLeft();
    },
  );
});
