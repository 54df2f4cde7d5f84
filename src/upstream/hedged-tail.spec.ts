import { type AxiosRequestConfig } from 'axios';
import { Observable } from 'rxjs';
import { type UndiciHttpService } from '../http/undici-http.service.js';
import { type Random, seededRandom } from '../resilience/random.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { type UpstreamPolicyInput } from './config/policy-schema.js';
import { configOf } from './testing/spec-support.js';
import { type UpstreamResponse } from './upstream-call.js';
import { UpstreamEvents } from './upstream-events.js';
import { Upstream } from './upstream.js';

/** A composite of ten parts, fifty times a second. */
const FAN_OUT = 10;
const EVERY_MS = 20;
const FAN_OUTS = 5_000;
const SEED = 1;

/** One answer in a hundred takes 0.5 to 1.5 s, the others mostly between 10 and 40 ms: 20 ms, lognormal. */
function latency(random: Random): number {
  if (random() < 0.01) return 500 + 1_000 * random();
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return 20 * Math.exp(0.35 * normal);
}

/** How long the fan-outs take, in ms, and what that costs in calls. */
function run(policy: UpstreamPolicyInput) {
  const clock = new VirtualClock();
  const random = seededRandom(SEED);
  let calls = 0;
  let attempts = 0;
  const http = {
    exchange: (config: AxiosRequestConfig) =>
      new Observable<UpstreamResponse>((subscriber) => {
        attempts++;
        const timer = clock.setTimeout(
          () => {
            subscriber.next({ status: 200, data: config.url } as UpstreamResponse);
            subscriber.complete();
          },
          latency(random),
          undefined,
        );
        subscriber.add(() => {
          clock.clearTimeout(timer);
        });
      }),
  } as unknown as UndiciHttpService;
  const { orders } = configOf({ orders: { url: 'http://orders', ...policy } }).upstreams;
  const upstream = new Upstream(orders!, http, {
    clock,
    random: seededRandom(SEED + 1),
    events: new UpstreamEvents(() => undefined),
  });

  const durations: number[] = [];
  let failed = 0;
  const fan = (): void => {
    const startedAt = clock.now();
    let missing = FAN_OUT;
    for (let part = 0; part < FAN_OUT; part++) {
      calls++;
      upstream.send({ method: 'GET', url: '/' }).subscribe({
        error: () => failed++,
        complete: () => {
          if (--missing === 0) durations.push(clock.now() - startedAt);
        },
      });
    }
  };
  for (let made = 0; made < FAN_OUTS; made++) {
    fan();
    clock.advance(EVERY_MS);
  }
  clock.advance(10_000);
  durations.sort((one, other) => one - other);
  const at = (share: number): number => durations[Math.ceil(share * durations.length) - 1]!;
  return {
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    extraPercent: (attempts / calls - 1) * 100,
    failed,
    timersLeft: clock.pendingTimers,
  };
}

describe('a fan-out of ten, with one straggler in a hundred answers', () => {
  let hedged: ReturnType<typeof run>;
  beforeAll(() => {
    hedged = run({ hedge: { mode: 'percentile' } });
  });

  it('has a tenth of the tail with the default hedging, and less, for at most 6 % more calls', () => {
    const unhedged = run({});
    expect(unhedged.p999).toBeGreaterThan(1_000);
    expect(hedged.p999).toBeLessThanOrEqual(unhedged.p999 / 10);
    expect(hedged.p99).toBeLessThanOrEqual(unhedged.p99 / 10);
    expect(hedged.extraPercent).toBeLessThanOrEqual(6);
    expect(hedged.extraPercent).toBeGreaterThan(3);
  });

  it('has less than a fifteenth of the tail that it would have without attempt timeouts', () => {
    const patient = run({ attemptTimeoutMs: 2_000 });
    expect(patient.p999).toBeGreaterThan(1_450);
    expect(hedged.p999).toBeLessThanOrEqual(patient.p999 / 15);
    expect(patient.extraPercent).toBe(0);
  });

  it('fails nothing, and leaves no timer behind', () => {
    expect(hedged).toMatchObject({ failed: 0, timersLeft: 0 });
  });

  it('is no slower in the middle', () => {
    expect(hedged.p50).toBeLessThan(40);
  });
});
