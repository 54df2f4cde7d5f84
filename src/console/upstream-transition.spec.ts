import { Fixture, failureOf, Opened, statuses, valueOf } from '../upstream/testing/spec-support.js';
import { recordingServer } from '../http/testing/recording-server.js';
import { type UpstreamEvent } from '../upstream/upstream-events.js';
import { type NewTransition } from './transition-feed.js';
import { transitionOf } from './upstream-transition.js';

const opened = new Opened();

afterEach(() => opened.close());

interface Watched {
  readonly fixture: Fixture;
  readonly told: NewTransition[];
}

async function watched(circuitBreaker: object, answers: readonly number[]): Promise<Watched> {
  const server = opened.add(await recordingServer(statuses(...answers)));
  const written = {
    url: server.origin,
    retry: { maxAttempts: 1 },
    circuitBreaker: { openJitterPercent: 0, ...circuitBreaker },
  };
  const fixture = opened.add(new Fixture(written));
  const told: NewTransition[] = [];
  fixture.registry.events.subscribe((event) => {
    const transition = transitionOf(event, (name) => fixture.registry.find(name));
    if (transition !== undefined) told.push(transition);
  });
  return { fixture, told };
}

function get({ fixture }: Watched) {
  return fixture.orders.send({ method: 'GET', url: '/' });
}

function sentence(event: UpstreamEvent): string | undefined {
  return transitionOf(event, () => undefined)?.text;
}

describe('a breaker, in sentences', () => {
  it('opens, tries, opens again and closes', async () => {
    const world = await watched(
      { minimumNumberOfCalls: 2, permittedCallsInHalfOpen: 1 },
      [200, 503, 503, 200],
    );
    await valueOf(get(world));
    await failureOf(get(world));
    world.fixture.clock.advance(5_000);
    await failureOf(get(world));
    world.fixture.clock.advance(10_000);
    await valueOf(get(world));
    expect(world.told.map(({ severity, text }) => [severity, text])).toEqual([
      ['bad', 'breaker of orders opened for 5.0 s: 50 % of 2 calls failed'],
      ['info', 'breaker of orders lets trial calls through'],
      ['bad', 'breaker of orders opened again for 10.0 s: 100 % of its trial calls failed'],
      ['info', 'breaker of orders lets trial calls through'],
      ['good', 'breaker of orders closed: its trial calls succeeded'],
    ]);
    expect(world.told.every(({ kind, upstream }) => kind === 'breaker' && upstream === 'orders')).toBe(true);
  });

  it('would open, where it only measures', async () => {
    const world = await watched({ mode: 'metrics-only', minimumNumberOfCalls: 1 }, [503]);
    await failureOf(get(world));
    expect(world.told).toEqual([
      {
        severity: 'warning',
        kind: 'breaker',
        upstream: 'orders',
        text: 'breaker of orders would open, were it not metrics-only: 100 % of the calls failed',
      },
    ]);
  });

  it('does what an operator wants', async () => {
    const { fixture, told } = await watched({}, [200]);
    const { breaker } = fixture.orders;
    breaker.setMode('force-open');
    breaker.close();
    breaker.setMode('metrics-only');
    breaker.setMode('disabled');
    expect(told.map(({ kind, severity, text }) => [kind, severity, text])).toEqual([
      ['operator', 'warning', 'breaker of orders forced open by an operator'],
      ['operator', 'good', 'breaker of orders closed by an operator'],
      ['operator', 'info', 'breaker of orders set to metrics-only by an operator'],
      ['operator', 'warning', 'breaker of orders disabled by an operator'],
    ]);
  });

  it('says what was slow', () => {
    const rates = { failureRatePercent: 10, slowCallRatePercent: 100 };
    const event = { type: 'breaker', upstream: 'orders', from: 'closed', to: 'open', ...rates } as const;
    expect(sentence({ ...event, reason: 'slow-call-rate' })).toBe(
      'breaker of orders opened: 100 % of the calls were slow',
    );
  });
});

describe('an endpoint, in sentences', () => {
  const origin = 'http://10.0.0.1:80';

  it('is ejected, and comes back', () => {
    const about = { type: 'ejection', upstream: 'orders', origin } as const;
    expect(sentence({ ...about, change: 'ejected', reason: 'consecutive-failures', forMs: 30_400 })).toBe(
      'endpoint http://10.0.0.1:80 of orders ejected for 30.4 s: too many failures in a row',
    );
    expect(sentence({ ...about, change: 'returned' })).toBe('endpoint http://10.0.0.1:80 of orders is back');
  });

  it('is not worth a word for every connection it refuses', () => {
    expect(sentence({ type: 'endpoint-refused', upstream: 'orders', origin })).toBeUndefined();
    expect(sentence({ type: 'breaker-notice', upstream: 'orders', notice: 'not-permitted' })).toBeUndefined();
  });
});
