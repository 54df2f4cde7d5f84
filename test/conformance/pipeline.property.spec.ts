import fc from 'fast-check';
import { type WireFailure } from '../../src/http/wire-failure.js';
import { type BreakerToken } from '../../src/resilience/circuit-breaker.js';
import { seededRandom } from '../../src/resilience/random.js';
import { RequestContext } from '../../src/upstream/request-context.js';
import { type WrittenUpstream } from '../../src/upstream/testing/spec-support.js';
import { type Caller, ScriptedUpstream, type WireAttempt } from './scripted-upstream.js';

/**
 * The layers as the pipeline composes them, under any schedule of answers, failures, timeouts, clients that leave,
 * late results, blocked loops, resized bulkheads and operators. fast-check prints seed and path of what it finds:
 * `fc.assert(property, { seed, path })` plays it again.
 */

const KINDS = [
  'reset',
  'connect',
  'idle-closed',
  'timeout',
  'too-large',
  'invalid',
  'certificate',
] as const satisfies readonly WireFailure[];
const MODES = ['enabled', 'disabled', 'metrics-only', 'force-open'] as const;

const end = fc.oneof(
  fc.record({
    is: fc.constant('status' as const),
    status: fc.constantFrom(200, 204, 404, 408, 429, 500, 503),
  }),
  fc.record({ is: fc.constant('pushback' as const), seconds: fc.constantFrom('0', '1', '2', '3600') }),
  fc.record({ is: fc.constant('fail' as const), kind: fc.constantFrom(...KINDS) }),
  fc.constant({ is: 'emit' as const }),
);
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ is: 'hang' as const }) },
  { weight: 3, arbitrary: end },
);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      method: fc.constantFrom('GET', 'POST'),
      deadlineMs: fc.constantFrom(1, 30, 200, 1_500, 3_000),
      /** A caller whose client may leave, and who makes the next call from within the end of this one. */
      again: fc.boolean(),
    }),
  },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('end' as const), whom: fc.nat(30), end }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('leave' as const, 'client-leaves' as const),
      whom: fc.nat(30),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.oneof(fc.nat(60), fc.constant(600), fc.nat(2_500)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('block' as const), ms: fc.nat(1_500) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mode' as const), mode: fc.constantFrom(...MODES) }) },
);

const plot = fc.record({
  seed: fc.integer(),
  endpoints: fc.integer({ min: 1, max: 3 }),
  maxConcurrentCalls: fc.integer({ min: 1, max: 4 }),
  maxQueue: fc.nat(3),
  maxAttempts: fc.integer({ min: 1, max: 4 }),
  percent: fc.constantFrom(0, 20, 100),
  minRetriesPerSecond: fc.nat(2),
  minimumNumberOfCalls: fc.integer({ min: 1, max: 3 }),
  permittedCallsInHalfOpen: fc.integer({ min: 1, max: 3 }),
  hedged: fc.boolean(),
  adaptive: fc.constantFrom('off', 'aimd', 'gradient2'),
  coalesced: fc.boolean(),
  fates: fc.array(fate, { minLength: 1, maxLength: 20 }),
  steps: fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }),
});
type Plot = typeof plot extends fc.Arbitrary<infer P> ? P : never;
type Step = Plot['steps'][number];
type End = Plot['fates'][number];

const OPEN_MS = 500;
const MAX_OPEN_MS = 2_000;
const MAX_WAIT_IN_HALF_OPEN_MS = 2_000;
const BUDGET_WINDOW_MS = 10_000;

function writtenFor(given: Plot): WrittenUpstream {
  const { maxConcurrentCalls, maxQueue, maxAttempts, percent, minRetriesPerSecond } = given;
  const { minimumNumberOfCalls, permittedCallsInHalfOpen, endpoints, adaptive } = given;
  return {
    ...(endpoints > 1 && {
      urls: Array.from({ length: endpoints }, (_, index) => `http://192.0.2.${index + 1}`),
    }),
    bulkhead: { maxConcurrentCalls, maxQueue },
    ...(adaptive !== 'off' && { adaptiveLimit: { enabled: true, algorithm: adaptive, minLimit: 1 } }),
    hedge: { mode: given.hedged ? 'fixed' : 'off', delayMs: 20, budgetPercent: 100 },
    coalesce: { enabled: given.coalesced },
    retry: { maxAttempts },
    retryBudget: { percent, minRetriesPerSecond, windowMs: BUDGET_WINDOW_MS },
    circuitBreaker: {
      minimumNumberOfCalls,
      permittedCallsInHalfOpen,
      openMs: OPEN_MS,
      maxOpenMs: MAX_OPEN_MS,
      maxWaitInHalfOpenMs: MAX_WAIT_IN_HALF_OPEN_MS,
    },
  };
}

/** Plays a plot, and checks after every step that nobody has more or less than is due. */
class Play {
  readonly scripted: ScriptedUpstream;
  readonly callers: { readonly caller: Caller; readonly context: RequestContext }[] = [];
  private readonly emitted = new Set<WireAttempt>();
  private started = 0;
  private healthy = false;

  constructor(private readonly given: Plot) {
    this.scripted = new ScriptedUpstream(writtenFor(given), {
      random: seededRandom(given.seed),
      script: (attempt) => {
        const next = given.fates[this.started++ % given.fates.length];
        if (this.healthy) attempt.answer();
        else if (next !== undefined) this.end(attempt, next);
      },
    });
  }

  run(): void {
    for (const each of this.given.steps) {
      this.take(each);
      this.check();
    }
    this.finish();
    this.recover();
  }

  private take(each: Step): void {
    const { scripted } = this;
    const { bulkhead, breaker } = scripted.upstream;
    switch (each.do) {
      case 'call':
        this.call(each.method, each.deadlineMs, each.again);
        break;
      case 'end': {
        // Any attempt there ever was: what comes from one that has ended comes too late.
        const attempt = scripted.attempts[each.whom % Math.max(1, scripted.attempts.length)];
        if (attempt !== undefined) this.end(attempt, each.end);
        break;
      }
      case 'leave':
        this.callers[each.whom % Math.max(1, this.callers.length)]?.caller.leave();
        break;
      case 'client-leaves':
        this.callers[each.whom % Math.max(1, this.callers.length)]?.context.clientLeft();
        break;
      case 'advance':
        scripted.clock.advance(each.ms);
        break;
      case 'block':
        scripted.clock.block(each.ms);
        break;
      case 'resize':
        bulkhead.resize(each.to);
        break;
      case 'mode':
        breaker.setMode(each.mode);
        break;
    }
  }

  private call(method: string, deadlineMs: number, again: boolean): Caller {
    const context = new RequestContext('r', Infinity, {});
    const caller = this.scripted.call({ method, deadlineMs }, context);
    if (again) {
      caller.onEnd = () => {
        this.call(method, deadlineMs, false);
      };
    }
    this.callers.push({ caller, context });
    return caller;
  }

  private end(attempt: WireAttempt, how: End): void {
    switch (how.is) {
      case 'hang':
        break;
      case 'emit':
        if (attempt.state !== 'open' || this.emitted.has(attempt)) break;
        this.emitted.add(attempt);
        attempt.emit();
        break;
      case 'status':
        this.finishAttempt(attempt, () => {
          attempt.answer(how.status);
        });
        break;
      case 'pushback':
        this.finishAttempt(attempt, () => {
          attempt.answer(503, { 'retry-after': how.seconds });
        });
        break;
      case 'fail':
        this.finishAttempt(
          attempt,
          () => {
            attempt.fail(how.kind);
          },
          how.kind,
        );
        break;
    }
  }

  /** A result that comes too late leaves the attempt as it was. */
  private finishAttempt(attempt: WireAttempt, finish: () => void, kind: WireFailure = 'idle-closed'): void {
    const { state } = attempt;
    // One answer an attempt: what follows its beginning is its end, or a failure.
    if (this.emitted.has(attempt) && state === 'open') attempt.fail(kind);
    else finish();
    if (state !== 'open') attempt.state = state;
  }

  private check(): void {
    expect([...this.violations()]).toEqual([]);
  }

  /** What is not as it must be after every step, whatever the step was. */
  private *violations(): Generator<string> {
    const { scripted, callers, emitted } = this;
    const { bulkhead } = scripted.upstream;
    const { open } = scripted;
    const unsettled = scripted.tokens.filter(({ settled }) => !settled).length;
    const unanswered = open.filter((attempt) => !emitted.has(attempt)).length;
    if (bulkhead.inUse !== open.length) yield `${bulkhead.inUse} permits for ${open.length} attempts`;
    if (unsettled !== unanswered) yield `${unsettled} tokens for ${unanswered} attempts without an answer`;
    if (scripted.movedByLateResults > 0) yield 'a late result has moved the breaker';
    if (this.probes() > this.given.permittedCallsInHalfOpen) yield `${this.probes()} probes`;
    if (bulkhead.queued > this.given.maxQueue) yield `${bulkhead.queued} are waiting`;
    for (const { teardowns, state } of scripted.attempts) {
      if (teardowns !== (state === 'open' ? 0 : 1))
        yield `a wire that is ${state} was torn down ${teardowns} times`;
    }
    for (const { caller } of callers) {
      const ends = caller.signals.filter((signal) => signal !== 'next').length;
      if (caller.signalsAfterLeaving > 0) yield 'a caller that had left has heard something';
      if (ends > 1 || (ends === 0 && !caller.left && caller.outcome !== 'pending'))
        yield `${ends} ends of a call`;
      if (caller.statuses.length > 1) yield 'two answers to a call';
    }
    yield* this.budgetViolations();
  }

  /** Half-open: the probes that are out and those that have counted. */
  private probes(): number {
    const { tokens, results, upstream } = this.scripted;
    const generation = tokens.at(-1)?.generation ?? 0;
    if (upstream.breaker.stateName !== 'half-open') return 0;
    const out = tokens.filter((token) => token.generation === generation && !token.settled).length;
    return out + (results.get(generation) ?? 0);
  }

  /** Everything has had its time: nobody holds anything, and nobody waits. */
  private finish(): void {
    this.scripted.clock.advance(4_000);
    // Those who call again from within an end.
    this.scripted.clock.advance(4_000);
    this.check();
    this.scripted.expectNothingLeft();
    for (const { caller } of this.callers) expect(caller.outcome).not.toBe('pending');
    this.checkProbes();
  }

  /** Half-open, with nobody out, the permits left and the results in make the permitted calls. */
  private checkProbes(): void {
    const { results, upstream } = this.scripted;
    const { breaker } = upstream;
    if (breaker.stateName !== 'half-open') return;
    const taken: BreakerToken[] = [];
    for (let token = breaker.tryAcquire(); token !== undefined; token = breaker.tryAcquire())
      taken.push(token);
    const counted = results.get(taken[0]?.generation ?? -1) ?? 0;
    for (const token of taken) breaker.settle(token, 'neutral');
    expect(taken.length).toBeGreaterThan(0);
    expect(taken.length + counted).toBe(this.given.permittedCallsInHalfOpen);
  }

  /** From wherever it stands: a healthy upstream is reached, and the breaker closes, in bounded time. */
  private recover(): void {
    const { scripted } = this;
    const { breaker } = scripted.upstream;
    this.healthy = true;
    if (breaker.stateName === 'force-open' || breaker.stateName === 'disabled') breaker.setMode('enabled');
    const boundMs = MAX_OPEN_MS * 1.2 + MAX_WAIT_IN_HALF_OPEN_MS;
    const until = scripted.clock.now() + boundMs;
    let last = this.call('GET', 1_000, false);
    while (last.outcome !== 'ok' || !['closed', 'metrics-only'].includes(breaker.stateName)) {
      expect(scripted.clock.now()).toBeLessThanOrEqual(until);
      scripted.clock.advance(100);
      last = this.call('GET', 1_000, false);
    }
    scripted.expectNothingLeft();
  }

  /** Whatever the slices: nobody was ever granted more than the floor and the share of the calls of the window. */
  private *budgetViolations(): Generator<string> {
    const { percent, minRetriesPerSecond } = this.given;
    const { depositedAt, withdrawnAt } = this.scripted;
    const last = withdrawnAt.at(-1);
    if (last === undefined) return;
    const sliceMs = BUDGET_WINDOW_MS / 10;
    const oldest = (Math.floor(last / sliceMs) - 9) * sliceMs;
    const inWindow = (moments: readonly number[]): number =>
      moments.filter((at) => at >= oldest && at <= last).length;
    const floor = (minRetriesPerSecond * BUDGET_WINDOW_MS) / 1_000;
    const allowed = floor + (percent / 100) * inWindow(depositedAt);
    if (inWindow(withdrawnAt) > allowed + 1e-6)
      yield `${inWindow(withdrawnAt)} retries where ${allowed} are allowed`;
    if (depositedAt.length > this.callers.length) yield 'more deposits than calls';
  }
}

describe('the composed pipeline, under any schedule', () => {
  it('loses and doubles no permit, no token, no signal; keeps to its budget; and always comes back', () => {
    fc.assert(
      fc.property(plot, (given) => {
        new Play(given).run();
      }),
      { numRuns: 300 },
    );
  });
});
