import { type UpstreamPolicyInput } from './config/policy-schema.js';
import { resolvePolicy } from './config/policy.js';
import { type Endpoint, Endpoints } from './endpoints.js';

const THREE = ['http://a', 'http://b/', 'http://c/v1//'];

const three = (): Endpoints => new Endpoints(THREE);

/** Endpoints under a policy, without jitter. */
function under(policy: UpstreamPolicyInput, urls: readonly string[] = THREE): Endpoints {
  return new Endpoints(urls, { ...resolvePolicy(policy), random: () => 0, now: 0 });
}

const hostOf = ({ baseUrl }: Endpoint): string => new URL(baseUrl).host;

const turns = (endpoints: Endpoints, times: number, now = 0): string[] =>
  Array.from({ length: times }, () => hostOf(endpoints.next(now)));

function named(endpoints: Endpoints, host: string): Endpoint {
  let endpoint: Endpoint;
  do endpoint = endpoints.next(-Infinity);
  while (hostOf(endpoint) !== host);
  return endpoint;
}

function refuse(endpoints: Endpoints, host: string, now: number): void {
  endpoints.refused(named(endpoints, host), now);
}

function fail(endpoints: Endpoints, host: string, now: number, times = 5): void {
  const endpoint = named(endpoints, host);
  for (let i = 0; i < times; i++) endpoints.failed(endpoint, endpoint.generation, now);
}

describe('the endpoints of an upstream', () => {
  it('take turns', () => {
    expect(turns(three(), 7)).toEqual(['a', 'b', 'c', 'a', 'b', 'c', 'a']);
  });

  it('have no slash at their end', () => {
    expect(three().urls).toEqual(['http://a', 'http://b', 'http://c/v1']);
  });

  it('are never none', () => {
    expect(() => new Endpoints([])).toThrow('at least one endpoint');
  });

  it('are passed over for a second after they refused a connection', () => {
    const endpoints = three();
    refuse(endpoints, 'b', 5_000);
    expect(turns(endpoints, 4, 5_000)).toEqual(['c', 'a', 'c', 'a']);
    expect(turns(endpoints, 3, 5_999)).toEqual(['c', 'a', 'c']);
    expect(turns(endpoints, 4, 6_000)).toEqual(['a', 'b', 'c', 'a']);
  });

  it('go on taking turns when all of them have refused', () => {
    const endpoints = three();
    for (const host of ['a', 'b', 'c']) refuse(endpoints, host, 0);
    expect(turns(endpoints, 6, 1)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('are asked all the same when there is only one', () => {
    const endpoints = under({}, ['http://a']);
    refuse(endpoints, 'a', 0);
    fail(endpoints, 'a', 0, 100);
    expect(turns(endpoints, 2, 1)).toEqual(['a', 'a']);
    expect(endpoints.snapshot(1)).toMatchObject([{ state: 'refused', consecutiveFailures: 0 }]);
  });
});

describe('an endpoint a call has been to', () => {
  it('is passed over while there is another one', () => {
    const endpoints = three();
    const tried = [endpoints.next(0)];
    // Its turn would come next, had the others not been asked in between.
    turns(endpoints, 2);
    tried.push(endpoints.next(0, tried));
    turns(endpoints, 2);
    tried.push(endpoints.next(0, tried));
    expect(tried.map(hostOf)).toEqual(['a', 'b', 'c']);
  });

  it('is asked again when all others have been tried too, are ejected or have refused', () => {
    const endpoints = under({});
    fail(endpoints, 'b', 0);
    refuse(endpoints, 'c', 0);
    const a = named(endpoints, 'a');
    expect(hostOf(endpoints.next(0, [a]))).toBe('a');
  });
});

describe('an ejected endpoint', () => {
  it('gets no calls until its time is over', () => {
    const endpoints = under({});
    fail(endpoints, 'b', 0);
    expect(turns(endpoints, 4, 29_999).sort()).toEqual(['a', 'a', 'c', 'c']);
    expect(turns(endpoints, 3, 30_000).sort()).toEqual(['a', 'b', 'c']);
  });

  it('is told of, with why and for how long, and so is its return', () => {
    const told: unknown[] = [];
    const endpoints = new Endpoints(THREE, {
      ...resolvePolicy(),
      random: () => 0,
      now: 0,
      onEjection: ({ origin }, change) => told.push([origin, change]),
    });
    fail(endpoints, 'c', 0);
    endpoints.next(30_000);
    expect(told).toEqual([
      ['http://c', { change: 'ejected', reason: 'consecutive-failures', forMs: 30_000 }],
      ['http://c', { change: 'returned' }],
    ]);
  });

  it('is seen from outside', () => {
    const endpoints = under({});
    fail(endpoints, 'a', 1_000);
    fail(endpoints, 'b', 1_000, 3);
    refuse(endpoints, 'c', 1_000);
    const calm = { timesEjected: 0, ejectedForMs: 0, successRatePercent: undefined, weight: 1 };
    expect(endpoints.snapshot(1_500)).toEqual([
      {
        ...calm,
        origin: 'http://a',
        state: 'ejected',
        timesEjected: 1,
        ejectedForMs: 29_500,
        consecutiveFailures: 0,
      },
      { ...calm, origin: 'http://b', state: 'available', consecutiveFailures: 3 },
      { ...calm, origin: 'http://c', state: 'refused', consecutiveFailures: 0 },
    ]);
  });

  it('is asked again in panic, but one that has just refused is not', () => {
    const endpoints = under({ outlierDetection: { maxEjectionPercent: 100 } });
    fail(endpoints, 'a', 0);
    expect(endpoints.isPanicking(0)).toBe(false);
    fail(endpoints, 'b', 0);
    expect(endpoints.isPanicking(0)).toBe(true);
    expect(turns(endpoints, 3).sort()).toEqual(['a', 'b', 'c']);
    refuse(endpoints, 'b', 0);
    expect(turns(endpoints, 4).sort()).toEqual(['a', 'a', 'c', 'c']);
  });

  it('there is none where detection is off', () => {
    const endpoints = under({ outlierDetection: { enabled: false } });
    fail(endpoints, 'b', 0, 100);
    expect(turns(endpoints, 3)).toContain('b');
  });
});

describe('an endpoint that starts slowly', () => {
  const back = (policy: UpstreamPolicyInput): Endpoints => {
    const endpoints = under(policy);
    fail(endpoints, 'b', 0);
    endpoints.next(30_000);
    return endpoints;
  };
  const share = (endpoints: Endpoints, now: number): number =>
    turns(endpoints, 3_000, now).filter((host) => host === 'b').length / 1_000;

  it('gets its weight of its turns when it is back, and the others the rest', () => {
    const endpoints = back({ slowStart: { windowMs: '10s' } });
    expect(share(endpoints, 30_000)).toBeCloseTo(0.1, 1);
    expect(share(endpoints, 35_000)).toBeCloseTo(0.6, 1);
    expect(share(endpoints, 40_000)).toBeCloseTo(1, 2);
    expect(endpoints.snapshot(35_000)).toMatchObject([{ weight: 1 }, { weight: 0.5 }, { weight: 1 }]);
  });

  it('is asked all the same when there is no other', () => {
    const endpoints = back({ slowStart: { windowMs: '10s' } });
    refuse(endpoints, 'a', 30_000);
    refuse(endpoints, 'c', 30_000);
    expect(turns(endpoints, 3, 30_000)).toEqual(['b', 'b', 'b']);
  });

  it('does so only where that is asked for', () => {
    expect(share(back({}), 30_000)).toBeCloseTo(1, 2);
  });
});
