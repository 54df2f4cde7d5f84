import { RequestContext } from '../../src/upstream/request-context.js';
import { type WrittenUpstream } from '../../src/upstream/testing/spec-support.js';
import { differs, scenario } from './scenario.js';
import { NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

function coalescing(written: WrittenUpstream = {}): ScriptedUpstream {
  return new ScriptedUpstream({
    coalesce: { enabled: true },
    retry: { maxAttempts: 1 },
    ...NO_BREAKER,
    ...written,
  });
}

/** A client that sent these credentials. */
const client = (authorization: string): RequestContext =>
  new RequestContext('r', Infinity, { authorization });

describe('equal calls at the same time', () => {
  scenario(
    'nasty bugs',
    '33 (spicedb #925; hyper-util #299; eliza #17602; janos/singleflight #4)',
    'given 1,000 equal calls, when the first caller leaves, then there is 1 call to the upstream, and 999 answers',
    () => {
      const scripted = coalescing();
      const callers = Array.from({ length: 1_000 }, () => scripted.call());
      callers[0]?.leave();
      expect(scripted.attempts).toHaveLength(1);
      scripted.last.answer();
      expect(scripted.attempts).toHaveLength(1);
      expect(callers.filter(({ outcome }) => outcome === 'ok')).toHaveLength(999);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'nasty bugs',
    '37 (rxjs #3336, #5931: shareReplay keeps the source)',
    'given 3 equal calls, when all three leave, then the call to the upstream is cut with the last, and not before',
    () => {
      const scripted = coalescing();
      const [one, two, three] = [scripted.call(), scripted.call(), scripted.call()];
      one.leave();
      three.leave();
      expect(scripted.last.state).toBe('open');
      two.leave();
      expect(scripted.last).toMatchObject({ state: 'cut', teardowns: 1 });
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'nasty bugs',
    '33 (tailscale #18924: joining what is being cancelled)',
    'given a call whose last caller has left, when the next one comes, then it starts anew, and is answered',
    () => {
      const scripted = coalescing();
      scripted.call().leave();
      const next = scripted.call();
      expect(scripted.attempts.map(({ state }) => state)).toEqual(['cut', 'open']);
      scripted.last.answer();
      expect(next.outcome).toBe('ok');
    },
  );

  differs(
    'opossum',
    'O7: coalescing keeps settled rejections for the timeout',
    'given 10 equal calls that have failed together, when the next one comes, then the upstream is asked again',
    'what is over is over; failures are not kept',
    () => {
      const scripted = coalescing();
      const callers = Array.from({ length: 10 }, () => scripted.call());
      scripted.last.fail('reset');
      expect(callers.every(({ outcome }) => outcome === 'reset')).toBe(true);
      const next = scripted.call();
      expect(scripted.attempts).toHaveLength(2);
      scripted.last.answer();
      expect(next.outcome).toBe('ok');
    },
  );

  scenario(
    'undici',
    'interceptors.deduplicate (safe verbs only)',
    'given 5 equal POSTs, when they come at once, then the upstream has 5',
    () => {
      const scripted = coalescing();
      for (let call = 0; call < 5; call++) scripted.call({ method: 'POST' });
      expect(scripted.attempts).toHaveLength(5);
    },
  );

  scenario(
    'RFC 9111',
    '3.5 Storing Responses to Authenticated Requests (nothing is shared between credentials)',
    'given 3 calls that forward two different credentials, when they come at once, then the upstream has 2',
    () => {
      const scripted = coalescing({ forwardHeaders: ['authorization'] });
      scripted.call({}, client('Bearer a'));
      scripted.call({}, client('Bearer b'));
      scripted.call({}, client('Bearer a'));
      expect(scripted.attempts.map((attempt) => attempt.header('authorization'))).toEqual([
        'Bearer a',
        'Bearer b',
      ]);
    },
  );

  scenario(
    'nasty bugs',
    '33 (spicedb #925; hyper-util #299; eliza #17602: one caller’s deadline ends the others)',
    'given a caller with 100 ms and one with 3 s, when the answer comes after 500 ms, then the first has run out, and the second has it',
    () => {
      const scripted = coalescing();
      const hasty = scripted.call({ deadlineMs: 100 });
      const patient = scripted.call({ deadlineMs: 3_000 });
      scripted.clock.advance(500);
      expect([hasty.outcome, patient.outcome]).toEqual(['deadline', 'pending']);
      expect(scripted.attempts).toHaveLength(1);
      scripted.last.answer();
      expect(patient.outcome).toBe('ok');
      scripted.expectNothingLeft();
    },
  );

  differs(
    'opossum',
    'O5: shared answers are counted with the calls, and dilute the rate',
    'given 1 permit and a breaker, when 100 equal calls fail, then 1 permit was taken and 1 failure is counted',
    'what the upstream never saw is no sample',
    () => {
      const scripted = coalescing({ bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 }, circuitBreaker: {} });
      const callers = Array.from({ length: 100 }, () => scripted.call());
      expect(scripted.upstream.bulkhead).toMatchObject({ inUse: 1, queued: 0 });
      scripted.last.fail('reset');
      expect(callers.every(({ outcome }) => outcome === 'reset')).toBe(true);
      expect(scripted.upstream.breaker.snapshot()).toMatchObject({ calls: 1, failures: 1 });
      expect(scripted.depositedAt).toHaveLength(1);
    },
  );
});
