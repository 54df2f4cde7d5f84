import { type PartRecord, type RequestRecord } from '../console-state.js';
import { tallyPart } from './part-tally.js';

function request(...parts: Pick<PartRecord, 'state' | 'reason'>[]): RequestRecord {
  const report = parts.map((one) => ({
    part: 'offers',
    startedAtMs: 0,
    durationMs: 5,
    items: null,
    detail: null,
    ...one,
  }));
  return {
    requestId: 'r',
    at: 0,
    method: 'GET',
    status: 200,
    durationMs: 5,
    complete: true,
    traceId: null,
    parts: report,
  };
}

describe('how a part has fared', () => {
  it('is how often it was ok, and the reason of the latest time it was not', () => {
    const requests = [
      request({ state: 'ok', reason: null }),
      request({ state: 'fallback', reason: 'open' }),
      request({ state: 'fallback', reason: 'timeout' }),
    ];

    expect(tallyPart('offers', requests)).toMatchObject({
      seen: 3,
      ok: 1,
      reason: 'open',
      last: { state: 'ok' },
    });
  });

  it('leaves out requests that did not want it or do not know it', () => {
    const requests = [request({ state: 'skipped', reason: null }), request()];

    expect(tallyPart('offers', requests)).toMatchObject({ seen: 0, ok: 0, reason: null });
  });
});
