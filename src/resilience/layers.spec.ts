import fc from 'fast-check';
import {
  AttemptTimeoutError,
  BreakerOpenError,
  BulkheadFullError,
  DeadlineExceededError,
} from './rejections.js';
import { Pipeline, type Watched, WireError } from './testing/spec-support.js';
import { VERDICTS } from './verdict.js';

function expectNothingLeft({ clock, bulkhead, breaker, wire }: Pipeline): void {
  expect(clock.pendingTimers).toBe(0);
  expect(bulkhead).toMatchObject({ inUse: 0, queued: 0 });
  expect(breaker.unsettled).toBe(0);
  expect(wire.open).toHaveLength(0);
}

describe('deadline, retry, bulkhead, breaker and timeout together', () => {
  it('retries a timeout, and answers with what the second attempt brought', () => {
    const pipeline = new Pipeline();
    const call = pipeline.call(3_000);
    pipeline.clock.advance(1_000);
    expect(pipeline.wire.last.state).toBe('cancelled');
    pipeline.clock.advance(250);
    pipeline.wire.last.answer('second time lucky');
    expect(call).toMatchObject({ values: ['second time lucky'], end: 'completed' });
    expect(pipeline.wire.attempts.map(({ request }) => request.number)).toEqual([1, 2]);
    expect(pipeline.breaker.snapshot()).toMatchObject({ calls: 2, failures: 1 });
    expectNothingLeft(pipeline);
  });

  it('holds no permit while it backs off', () => {
    const pipeline = new Pipeline({ bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 } });
    pipeline.call();
    pipeline.wire.last.fail();
    expect(pipeline.clock.pendingTimers).toBe(1);
    expect(pipeline.bulkhead.inUse).toBe(0);
    const other = pipeline.call();
    pipeline.wire.last.answer();
    expect(other.end).toBe('completed');
  });

  it('never tells the breaker of attempts that found no permit', () => {
    const pipeline = new Pipeline({
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 1 },
      breaker: { minimumNumberOfCalls: 1 },
    });
    pipeline.call();
    const waiting = pipeline.call();
    const refused = Array.from({ length: 50 }, () => pipeline.call());
    pipeline.clock.advance(100);
    for (const call of [waiting, ...refused]) expect(call.error).toBeInstanceOf(BulkheadFullError);
    expect(pipeline.breaker.tokens).toHaveLength(1);
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('does not spend a probe on an attempt that found no permit', () => {
    const pipeline = new Pipeline({
      retry: { maxAttempts: 1 },
      bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 },
      breaker: { minimumNumberOfCalls: 1, permittedCallsInHalfOpen: 2, failureRateThresholdPercent: 100 },
    });
    pipeline.call();
    pipeline.wire.last.fail();
    pipeline.clock.advance(pipeline.breaker.retryAfterMs);
    pipeline.call();
    expect(pipeline.call().error).toBeInstanceOf(BulkheadFullError);
    pipeline.wire.last.fail();
    expect(pipeline.breaker.stateName).toBe('half-open');
    expect(pipeline.call().end).toBe('none');
  });

  it('asks the breaker after the wait in the queue, on what it knows then', () => {
    const pipeline = new Pipeline({
      retry: { maxAttempts: 1 },
      bulkhead: { maxConcurrentCalls: 1 },
      breaker: { minimumNumberOfCalls: 1 },
    });
    pipeline.call();
    const waiting = Array.from({ length: 64 }, () => pipeline.call());
    pipeline.wire.last.fail();
    for (const call of waiting) expect(call.error).toBeInstanceOf(BreakerOpenError);
    expect(pipeline.wire.attempts).toHaveLength(1);
    expectNothingLeft(pipeline);
  });

  it('makes no attempt after a breaker that has opened meanwhile', () => {
    const pipeline = new Pipeline({ retry: { maxAttempts: 5 }, breaker: { minimumNumberOfCalls: 2 } });
    const call = pipeline.call();
    for (let failed = 0; failed < 2; failed++) {
      pipeline.wire.last.fail();
      pipeline.clock.advance(250);
    }
    expect(call.error).toBeInstanceOf(BreakerOpenError);
    expect(pipeline.wire.attempts).toHaveLength(2);
    expectNothingLeft(pipeline);
  });

  it('does not move the breaker when clients leave', () => {
    const pipeline = new Pipeline({ breaker: { minimumNumberOfCalls: 5 } });
    for (let client = 0; client < 5; client++) {
      const call = pipeline.call(3_000);
      pipeline.clock.advance(10);
      call.cancel();
    }
    expect(pipeline.wire.attempts.map(({ state }) => state)).toEqual(new Array(5).fill('cancelled'));
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expectNothingLeft(pipeline);
  });

  it("does not hold a caller's own short deadline against the upstream", () => {
    const pipeline = new Pipeline({ breaker: { minimumNumberOfCalls: 5 } });
    const calls = Array.from({ length: 50 }, () => pipeline.call(300));
    expect(pipeline.clock.pendingTimers).toBe(50);
    pipeline.clock.advance(300);
    for (const call of calls) expect(call.error).toBeInstanceOf(DeadlineExceededError);
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expectNothingLeft(pipeline);
  });

  it('opens on an upstream that hangs, and recovers from it', () => {
    const pipeline = new Pipeline({ retry: { maxAttempts: 1 } });
    const hung = Array.from({ length: 20 }, () => pipeline.call(3_000));
    pipeline.clock.advance(1_000);
    for (const call of hung) expect(call.error).toBeInstanceOf(AttemptTimeoutError);
    expect(pipeline.call().error).toBeInstanceOf(BreakerOpenError);
    pipeline.clock.advance(6_000);
    for (let probe = 0; probe < 2; probe++) {
      pipeline.call();
      pipeline.wire.last.answer();
    }
    expect(pipeline.breaker.stateName).toBe('closed');
    expectNothingLeft(pipeline);
  });

  it('does not open because its own loop was blocked', () => {
    const pipeline = new Pipeline({ retry: { maxAttempts: 1 } });
    const calls = Array.from({ length: 50 }, () => pipeline.call(3_000));
    pipeline.clock.block(1_500);
    pipeline.clock.advance(500);
    for (const call of calls) expect(call.error).toMatchObject({ late: true });
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    expectNothingLeft(pipeline);
  });
});

describe('the deadline of a call', () => {
  it('that has passed costs nothing: no attempt, no token, no permit', () => {
    const pipeline = new Pipeline();
    expect(pipeline.call(0).error).toBeInstanceOf(DeadlineExceededError);
    expect(pipeline.breaker.tokens).toHaveLength(0);
    expectNothingLeft(pipeline);
  });

  it('bounds the wait in the queue', () => {
    const pipeline = new Pipeline({ bulkhead: { maxConcurrentCalls: 1 } });
    pipeline.call();
    const waiting = pipeline.call(60);
    pipeline.clock.advance(60);
    expect(waiting.error).toBeInstanceOf(DeadlineExceededError);
    expect(pipeline.bulkhead.queued).toBe(0);
  });

  it('bounds all attempts and sleeps together', () => {
    const pipeline = new Pipeline({ retry: { maxAttempts: 10 }, attemptTimeoutMs: 400 });
    const call = pipeline.call(1_000);
    pipeline.clock.advance(999);
    expect(call.end).toBe('none');
    pipeline.clock.advance(1);
    expect(call.end).toBe('failed');
    expect(pipeline.wire.attempts).toHaveLength(3);
    expectNothingLeft(pipeline);
  });
});

describe('a caller that leaves', () => {
  it('takes everything down in order: timers, the token, the wire, and the permit last', () => {
    const pipeline = new Pipeline();
    const { bulkhead, breaker, clock, wire } = pipeline;
    const order: string[] = [];
    const clear = clock.clearTimeout.bind(clock);
    const settle = breaker.settle.bind(breaker);
    const release = bulkhead.release.bind(bulkhead);
    jest.spyOn(clock, 'clearTimeout').mockImplementation((timer) => {
      const before = clock.pendingTimers;
      clear(timer);
      if (clock.pendingTimers < before) order.push(`a timer stops, wire ${wire.last.state}`);
    });
    jest.spyOn(breaker, 'settle').mockImplementation((token, outcome) => {
      order.push(`the token is ${outcome}, wire ${wire.last.state}`);
      settle(token, outcome);
    });
    jest.spyOn(bulkhead, 'release').mockImplementation(() => {
      order.push(`the permit goes back, wire ${wire.last.state}`);
      release();
    });
    pipeline.call(3_000).cancel();
    expect(order).toEqual([
      'a timer stops, wire open', // the deadline's
      'the token is neutral, wire open',
      'a timer stops, wire open', // the attempt's
      'the permit goes back, wire cancelled',
    ]);
  });

  type Moment = (pipeline: Pipeline) => void;
  it.each<[string, Moment]>([
    ['while the first attempt runs', () => undefined],
    [
      'while it backs off',
      ({ wire }) => {
        wire.last.fail();
      },
    ],
    [
      'while the second attempt runs',
      ({ wire, clock }) => {
        wire.last.fail();
        clock.advance(25);
      },
    ],
    [
      'while its answer is coming in',
      ({ wire }) => {
        wire.last.emit('half an answ');
      },
    ],
  ])('leaves nothing behind %s', (_name, moment) => {
    const pipeline = new Pipeline();
    const call = pipeline.call(3_000);
    moment(pipeline);
    call.cancel();
    expectNothingLeft(pipeline);
    const attempts = pipeline.wire.attempts.length;
    pipeline.clock.advance(10_000);
    expect(pipeline.wire.attempts).toHaveLength(attempts);
  });

  it('leaves nothing behind while it waits in the queue', () => {
    const pipeline = new Pipeline({ bulkhead: { maxConcurrentCalls: 1 } });
    const running = pipeline.call(3_000);
    pipeline.call(3_000).cancel();
    expect(pipeline.bulkhead.queued).toBe(0);
    running.cancel();
    expectNothingLeft(pipeline);
  });

  it('leaves nothing behind during the poll after a late timer', () => {
    const pipeline = new Pipeline();
    const call = pipeline.call(3_000);
    pipeline.clock.block(1_500);
    pipeline.clock.setTimeout(
      () => {
        call.cancel();
      },
      0,
      undefined,
    );
    pipeline.clock.advance(0);
    expectNothingLeft(pipeline);
  });
});

describe('under any schedule', () => {
  const verdict = fc.constantFrom(...Object.values(VERDICTS));
  const fate = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ is: 'hang' } as const) },
    { weight: 1, arbitrary: fc.constant({ is: 'answer' } as const) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('fail' as const), verdict }) },
  );
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        deadlineMs: fc.constantFrom(0, 30, 200, 1_500),
        replaySafe: fc.boolean(),
        again: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const), whom: fc.nat(20) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('fail' as const), whom: fc.nat(20), verdict }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('cancel' as const), whom: fc.nat(20) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('advance' as const, 'block' as const),
        ms: fc.oneof({ weight: 4, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(2_500) }),
      }),
    },
  );
  const scenario = fc.record({
    seed: fc.integer(),
    limit: fc.integer({ min: 1, max: 3 }),
    maxQueue: fc.nat(3),
    maxAttempts: fc.integer({ min: 1, max: 4 }),
    minimumNumberOfCalls: fc.integer({ min: 1, max: 6 }),
    fates: fc.array(fate, { minLength: 1, maxLength: 20 }),
    steps: fc.array(step, { minLength: 10, maxLength: 80, size: 'max' }),
  });
  type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

  /** Plays a scenario, checking after each step that an attempt has one permit and one token, and nothing else has. */
  function play({ seed, limit, maxQueue, maxAttempts, minimumNumberOfCalls, fates, steps }: Scenario) {
    let started = 0;
    const pipeline = new Pipeline({
      seed,
      bulkhead: { maxConcurrentCalls: limit, maxQueue },
      retry: { maxAttempts },
      breaker: { minimumNumberOfCalls, openMs: 100, maxOpenMs: 400, maxWaitInHalfOpenMs: 300 },
      attemptTimeoutMs: 250,
      script: (attempt) => {
        const fate = fates[started++ % fates.length]!;
        if (fate.is === 'answer') attempt.answer();
        if (fate.is === 'fail') attempt.fail(new WireError(fate.verdict, 10));
      },
    });
    const { clock, wire, bulkhead, breaker } = pipeline;
    const calls: Watched<string>[] = [];
    const violations: string[] = [];

    for (const step of steps) {
      const { open } = wire;
      switch (step.do) {
        case 'call': {
          const { deadlineMs, replaySafe, again } = step;
          // Some callers come straight back, from within the end of their call.
          const comeBack = (): void => void calls.push(pipeline.call(deadlineMs, replaySafe));
          calls.push(pipeline.call(deadlineMs, replaySafe, again ? comeBack : undefined));
          break;
        }
        case 'answer':
          open[step.whom % open.length]?.answer();
          break;
        case 'fail':
          open[step.whom % open.length]?.fail(new WireError(step.verdict, 10));
          break;
        case 'cancel':
          calls[step.whom % calls.length]?.cancel();
          break;
        case 'advance':
          clock.advance(step.ms);
          break;
        case 'block':
          clock.block(step.ms);
          break;
      }
      const running = wire.open.length;
      const seen = `${running} attempts, ${bulkhead.inUse} permits, ${breaker.unsettled} tokens`;
      if (bulkhead.inUse !== running || breaker.unsettled !== running) violations.push(seen);
      if (running > limit) violations.push(`${running} attempts at once`);
      if (bulkhead.queued > 0 && running < limit) violations.push('a permit is idle while somebody waits');
    }
    expect(violations).toEqual([]);
    return { pipeline, calls };
  }

  it('cancelling everything leaves no timer, no permit, no token and no attempt', () => {
    fc.assert(
      fc.property(scenario, (scenario) => {
        const { pipeline, calls } = play(scenario);
        for (const call of calls) call.cancel();
        // What waits for the poll phase of a blocked loop cannot be called off; it finds nobody.
        if (scenario.steps.some((step) => step.do === 'block')) pipeline.clock.advance(0);
        expectNothingLeft(pipeline);
      }),
      { numRuns: 150 },
    );
  });

  it('every call ends by its deadline, in every way there is, and leaves nothing behind', () => {
    const ends = new Set<string>();
    fc.assert(
      fc.property(scenario, (scenario) => {
        const { pipeline, calls } = play(scenario);
        // Twice the longest deadline: some come straight back.
        pipeline.clock.advance(3_000);
        expect(calls.filter(({ end }) => end === 'none')).toEqual([]);
        expectNothingLeft(pipeline);
        for (const { end, error } of calls) ends.add(error instanceof Error ? error.name : end);
      }),
      { numRuns: 150 },
    );
    const guards = ['AttemptTimeoutError', 'BreakerOpenError', 'BulkheadFullError', 'DeadlineExceededError'];
    expect([...ends].sort()).toEqual([...guards, 'WireError', 'cancelled', 'completed'].sort());
  });
});
