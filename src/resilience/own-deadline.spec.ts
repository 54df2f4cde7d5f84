import { asObservable } from './call.js';
import { DeadlineExceededError } from './rejections.js';
import { Pipeline, watch, type Watched } from './testing/spec-support.js';

/** An upstream that never answers, and attempts that may take as long as their calls. */
function hanging(): Pipeline {
  return new Pipeline({
    attemptTimeoutMs: 3_000,
    breaker: { minimumNumberOfCalls: 5, slowCallDurationMs: 800 },
  });
}

function call(pipeline: Pipeline, deadlineMs: number, own: boolean): Watched<string> {
  const deadlineAt = pipeline.clock.now() + deadlineMs;
  const ownDeadlineAt = own ? deadlineAt : Infinity;
  return watch(asObservable(pipeline.handler, { deadlineAt, ownDeadlineAt, replaySafe: true }));
}

describe("an attempt that this service's own deadline ends", () => {
  it('counts against the upstream once it was slow: one that hangs opens its breaker', () => {
    const pipeline = hanging();
    const calls = Array.from({ length: 5 }, () => call(pipeline, 1_000, true));
    pipeline.clock.advance(1_000);
    for (const { error } of calls) expect(error).toBeInstanceOf(DeadlineExceededError);
    expect(pipeline.breaker.stateName).toBe('open');
    expect(pipeline.breaker.unsettled).toBe(0);
  });

  it.each([
    [799, 0],
    [800, 1],
  ])('after %d ms counts %d times, where slow begins at 800', (deadlineMs, failures) => {
    const pipeline = hanging();
    call(pipeline, deadlineMs, true);
    pipeline.clock.advance(deadlineMs);
    expect(pipeline.breaker.snapshot()).toMatchObject({ calls: failures, failures, slowCalls: failures });
  });

  it('is measured from its own start, not from that of its call', () => {
    const pipeline = hanging();
    call(pipeline, 1_000, true);
    pipeline.clock.advance(500);
    pipeline.wire.last.fail();
    pipeline.clock.advance(500);
    expect(pipeline.wire.attempts).toHaveLength(2);
    expect(pipeline.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1, slowCalls: 0 });
  });

  it('counts where whoever keeps the deadline leaves a moment before the call itself notices', () => {
    const pipeline = hanging();
    const watched = call(pipeline, 1_000, true);
    pipeline.clock.advance(999);
    watched.cancel();
    expect(pipeline.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
  });

  it('is neutral where the event loop was blocked: nobody knows when the answer would have come', () => {
    const pipeline = hanging();
    const watched = watch(
      asObservable(pipeline.handler, { deadlineAt: Infinity, ownDeadlineAt: 1_000, replaySafe: true }),
    );
    pipeline.clock.advance(1_021);
    watched.cancel();
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });
});

describe('an attempt that somebody else ends', () => {
  it.each([1_000, 2_999])(
    'is neutral however slow it was: a deadline of the client after %d ms',
    (deadlineMs) => {
      const pipeline = hanging();
      for (let client = 0; client < 50; client++) call(pipeline, deadlineMs, false);
      pipeline.clock.advance(deadlineMs);
      expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
    },
  );

  it('is neutral: a client that leaves', () => {
    const pipeline = hanging();
    const calls = Array.from({ length: 50 }, () => call(pipeline, 2_000, true));
    pipeline.clock.advance(1_900);
    for (const watched of calls) watched.cancel();
    expect(pipeline.breaker.snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });
});
