import { type WrittenUpstream } from '../../src/upstream/testing/spec-support.js';
import { type UpstreamRequest } from '../../src/upstream/upstream-call.js';
import { differs, scenario } from './scenario.js';
import { type Caller, NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

function caching(written: WrittenUpstream = {}): ScriptedUpstream {
  return new ScriptedUpstream({
    cache: { enabled: true },
    retry: { maxAttempts: 1 },
    ...NO_BREAKER,
    ...written,
  });
}

/** Has an answer to `GET /` that came just now with these headers. */
function keeping(headers: Readonly<Record<string, string>>, written: WrittenUpstream = {}): ScriptedUpstream {
  const scripted = caching(written);
  scripted.call();
  scripted.last.answer(200, headers);
  scripted.attempts.length = 0;
  return scripted;
}

/** What comes of the next call `seconds` later, and whether the upstream was asked. */
function after(
  scripted: ScriptedUpstream,
  seconds: number,
  request: Partial<UpstreamRequest> = {},
): { caller: Caller; asked: boolean } {
  scripted.clock.advance(seconds * 1_000);
  const before = scripted.attempts.length;
  const caller = scripted.call(request);
  return { caller, asked: scripted.attempts.length > before };
}

describe('freshness', () => {
  scenario(
    'RFC 9111',
    '4.2 Freshness',
    'given max-age=60, when 59 s have passed nobody is asked; when 60 s have, the upstream is',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=60' });
      const { caller, asked } = after(scripted, 59);
      expect([caller.outcome, asked]).toEqual(['ok', false]);
      expect(after(scripted, 1).asked).toBe(true);
    },
  );

  scenario(
    'RFC 9111',
    '5.2.2.10 s-maxage (wins over max-age in a shared cache)',
    'given max-age=60, s-maxage=10, when 10 s have passed, then the upstream is asked',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=60, s-maxage=10' });
      expect(after(scripted, 9).asked).toBe(false);
      expect(after(scripted, 1).asked).toBe(true);
    },
  );

  for (const [section, directive] of [
    ['5.2.2.5 no-store', 'no-store, max-age=60'],
    ['5.2.2.7 private', 'private, max-age=60'],
    ['5.2.2.4 no-cache', 'no-cache, max-age=60'],
  ] as const) {
    scenario(
      'RFC 9111',
      section,
      `given ${directive}, when the next call comes at once, then the upstream is asked`,
      () => {
        expect(after(keeping({ 'cache-control': directive }), 0).asked).toBe(true);
      },
    );
  }

  differs(
    'RFC 9111',
    '4.2.2 Calculating Heuristic Freshness (a cache may guess)',
    'given only Last-Modified, ten days ago, when the next call comes a second later, then the upstream is asked',
    'a shared cache of an API trusts what it was told',
    () => {
      const scripted = keeping({ 'last-modified': new Date(Date.now() - 864_000_000).toUTCString() });
      expect(after(scripted, 1).asked).toBe(true);
    },
  );

  scenario(
    'RFC 9111',
    '4.3.4 Freshening Stored Responses upon Validation',
    'given max-age=60 and an ETag, when it is asked for after 61 s and the answer is 304, then the caller has the 200, good for 60 s more',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=60', etag: '"v1"' });
      const { caller } = after(scripted, 61);
      expect(scripted.last.header('if-none-match')).toBe('"v1"');
      scripted.last.answer(304, { 'cache-control': 'max-age=60', etag: '"v1"' });
      expect(caller.statuses).toEqual([200]);
      expect(after(scripted, 59).asked).toBe(false);
      expect(after(scripted, 1).asked).toBe(true);
    },
  );

  scenario(
    'RFC 9111',
    '5.2.1.4 no-cache in a request',
    'given a fresh answer, when a request says no-cache, then the upstream is asked',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=60' });
      expect(after(scripted, 0, { headers: { 'cache-control': 'no-cache' } }).asked).toBe(true);
    },
  );
});

describe('what is shared with whom', () => {
  scenario(
    'nasty bugs',
    '35 (undici #4911: answers to Authorization)',
    'given max-age=60, when a request carries credentials, then its answer is not kept; with public it is, for the same credentials only',
    () => {
      const alice = { headers: { authorization: 'Bearer a' } };
      const bob = { headers: { authorization: 'Bearer b' } };
      for (const [directive, kept] of [
        ['max-age=60', false],
        ['public, max-age=60', true],
      ] as const) {
        const scripted = caching();
        scripted.call(alice);
        scripted.last.answer(200, { 'cache-control': directive });
        expect(after(scripted, 1, alice).asked).toBe(!kept);
        expect(after(scripted, 1, bob).asked).toBe(true);
      }
    },
  );

  scenario(
    'RFC 9111',
    '4.1 Calculating Cache Keys with the Vary Header Field',
    'given Vary: accept-language, when another language is asked for, then the upstream is asked',
    () => {
      const scripted = caching();
      scripted.call({ headers: { 'accept-language': 'de' } });
      scripted.last.answer(200, { 'cache-control': 'max-age=60', vary: 'accept-language' });
      expect(after(scripted, 1, { headers: { 'accept-language': 'de' } }).asked).toBe(false);
      expect(after(scripted, 1, { headers: { 'accept-language': 'fr' } }).asked).toBe(true);
    },
  );

  scenario(
    'RFC 9111',
    '4.4 Invalidating Stored Responses',
    'given a fresh answer, when a POST to its URL is answered 201 it is gone; when it is answered 404 it stays',
    () => {
      for (const [status, asked] of [
        [201, true],
        [404, false],
      ] as const) {
        const scripted = keeping({ 'cache-control': 'max-age=60' });
        scripted.clock.advance(1_000);
        scripted.call({ method: 'POST' });
        scripted.last.answer(status);
        expect(after(scripted, 1).asked).toBe(asked);
      }
    },
  );
});

describe('stale answers', () => {
  for (const status of [500, 502, 503, 504]) {
    scenario(
      'RFC 5861',
      '4 The stale-if-error Cache-Control Extension',
      `given max-age=10, stale-if-error=20, when a ${status} comes after 15 s the caller has the 200; after 31 s, the ${status}`,
      () => {
        const scripted = keeping({ 'cache-control': 'max-age=10, stale-if-error=20' });
        const early = after(scripted, 15).caller;
        scripted.last.answer(status);
        expect(early.statuses).toEqual([200]);
        const late = after(scripted, 16).caller;
        scripted.last.answer(status);
        expect(late.failure?.status).toBe(status);
      },
    );
  }

  scenario(
    'nasty bugs',
    '35 (undici #5511: must-revalidate)',
    'given max-age=10, stale-if-error=20, must-revalidate, when a 503 comes after 15 s, then the caller has the 503',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=10, stale-if-error=20, must-revalidate' });
      const { caller } = after(scripted, 15);
      scripted.last.answer(503);
      expect(caller.failure?.status).toBe(503);
    },
  );

  scenario(
    'RFC 5861',
    '4 (an upstream may grant more than we take)',
    'given stale-if-error=86400 and a policy of 60 s, when a 503 comes 59 s after it went stale there is an answer; after 61 s there is none',
    () => {
      for (const [seconds, outcome] of [
        [69, 'ok'],
        [71, 'status'],
      ] as const) {
        const scripted = keeping({ 'cache-control': 'max-age=10, stale-if-error=86400' });
        const { caller } = after(scripted, seconds);
        scripted.last.answer(503);
        expect(caller.outcome).toBe(outcome);
      }
    },
  );

  const REFUSALS: readonly (readonly [string, (scripted: ScriptedUpstream) => void])[] = [
    [
      'the breaker is open',
      (scripted) => {
        scripted.upstream.breaker.setMode('force-open');
      },
    ],
    [
      'the bulkhead is full',
      (scripted) => {
        scripted.call({ url: '/hung' });
      },
    ],
  ];
  for (const [what, happens] of REFUSALS) {
    differs(
      'RFC 5861',
      '4 (speaks of errors of the upstream only)',
      `given an answer that went stale 5 s ago, when ${what}, then the caller has it`,
      'a guard of ours stands for the error it keeps from happening',
      () => {
        const scripted = keeping(
          { 'cache-control': 'max-age=10' },
          { bulkhead: { maxConcurrentCalls: 1, maxQueue: 0 }, circuitBreaker: { mode: 'enabled' } },
        );
        scripted.clock.advance(15_000);
        happens(scripted);
        const caller = scripted.call();
        expect(caller.statuses).toEqual([200]);
      },
    );
  }

  scenario(
    'RFC 5861',
    '4 (an error includes not being reached in time)',
    'given an answer that went stale 5 s ago and 200 ms, when the upstream hangs, then the caller has it before they are over',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=10' });
      const { caller } = after(scripted, 15, { deadlineMs: 200 });
      scripted.clock.advance(200);
      expect(caller.statuses).toEqual([200]);
      expect(caller.outcome).toBe('ok');
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'RFC 5861',
    '3 The stale-while-revalidate Cache-Control Extension',
    'given max-age=10, stale-while-revalidate=30, when 100 callers come after 15 s, then all have the old answer at once, and one call fetches a new one',
    () => {
      const scripted = keeping({ 'cache-control': 'max-age=10, stale-while-revalidate=30' });
      scripted.clock.advance(15_000);
      const callers = Array.from({ length: 100 }, () => scripted.call());
      expect(callers.every(({ outcome }) => outcome === 'ok')).toBe(true);
      expect(scripted.attempts).toHaveLength(1);
      scripted.last.answer(200, { 'cache-control': 'max-age=10' });
      expect(after(scripted, 5).asked).toBe(false);
      scripted.expectNothingLeft();
    },
  );

  scenario(
    'RFC 5861',
    '3 (after the window it is as stale as any)',
    'given max-age=10, stale-while-revalidate=30, when a caller comes after 41 s, then it waits for the upstream',
    () => {
      const { caller, asked } = after(
        keeping({ 'cache-control': 'max-age=10, stale-while-revalidate=30' }),
        41,
      );
      expect([caller.outcome, asked]).toEqual(['pending', true]);
    },
  );
});
