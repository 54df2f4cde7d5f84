import { adaptiveLimitOf, type AdaptiveLimitPolicy } from './adaptive-limit.js';
import { withAdaptiveLimit } from './adaptive-limit.operator.js';
import { Bulkhead } from './bulkhead.js';
import { withBulkhead } from './bulkhead.operator.js';
import { type Handler } from './call.js';
import { seededRandom } from './random.js';
import {
  type Capacity,
  offer,
  percentile,
  SimulatedUpstream,
  type Traffic,
} from './testing/simulated-upstream.js';
import { VirtualClock } from './virtual-clock.js';

/** 400 requests per second; it queues all there are. */
const QUEUEING: Capacity = { workers: 20, serviceMs: 50, queue: Infinity };
/** The same, but it answers 503 when ten wait. */
const REJECTING: Capacity = { ...QUEUEING, queue: 10 };

const LIMIT: AdaptiveLimitPolicy = {
  algorithm: 'aimd',
  initialLimit: 20,
  minLimit: 4,
  latencyThresholdMs: 1_000,
  backoffRatioPercent: 90,
  rttTolerancePercent: 150,
  queueSize: 4,
  smoothingPercent: 20,
  longWindow: 600,
};

const GRADIENT2: AdaptiveLimitPolicy = { ...LIMIT, algorithm: 'gradient2' };
const AIMD_WITH_THRESHOLD: AdaptiveLimitPolicy = { ...LIMIT, latencyThresholdMs: 100 };

/** A bulkhead as the policy settles it, with or without adaptive limit, before a simulated upstream. */
class Scene {
  readonly clock = new VirtualClock();
  readonly upstream: SimulatedUpstream;
  readonly bulkhead: Bulkhead;
  private readonly random = seededRandom(7);
  private readonly handler: Handler<undefined, string>;

  constructor(
    private readonly capacity: Capacity,
    policy: AdaptiveLimitPolicy | undefined,
  ) {
    const { clock } = this;
    this.upstream = new SimulatedUpstream(clock, this.random, capacity);
    const [maxQueue, maxQueueWaitMs] = policy === undefined ? [64, 100] : [8, 20];
    this.bulkhead = new Bulkhead({ maxConcurrentCalls: 64, maxQueue, maxQueueWaitMs });
    const inner =
      policy === undefined
        ? this.upstream.handler
        : withAdaptiveLimit<string, undefined>(
            adaptiveLimitOf(policy),
            this.bulkhead,
            clock,
          )(this.upstream.handler);
    this.handler = withBulkhead<string, undefined>(this.bulkhead, maxQueueWaitMs, clock)(inner);
  }

  /** Requests per second that the upstream of the beginning can answer. */
  get perSecond(): number {
    return (this.capacity.workers / this.capacity.serviceMs) * 1_000;
  }

  /** Offers `load` times the capacity, from outside: latencies count from the arrival at the bulkhead. */
  offer(load: number, seconds: number): Traffic {
    return offer(this.clock, this.random, this.handler, load * this.perSecond, seconds);
  }

  goodputPercent(traffic: Traffic): number {
    return (100 * traffic.goodput) / this.perSecond;
  }
}

function p99(traffic: Traffic): number {
  return percentile(traffic.latencies, 99);
}

describe('twice the capacity offered', () => {
  it.each<[string, Capacity, AdaptiveLimitPolicy]>([
    ['gradient2, to an upstream that queues', QUEUEING, GRADIENT2],
    ['gradient2, to an upstream that rejects', REJECTING, GRADIENT2],
    ['aimd, to an upstream that rejects', REJECTING, LIMIT],
    ['aimd with a latency threshold, to an upstream that queues', QUEUEING, AIMD_WITH_THRESHOLD],
  ])(
    'keeps goodput at 90 %% and p99 below twice the uncongested, within 5 s: %s',
    (_name, capacity, policy) => {
      const scene = new Scene(capacity, policy);
      const uncongested = p99(scene.offer(0.5, 5));
      scene.offer(2, 5);
      for (let more = 0; more < 3; more++) {
        const overload = scene.offer(2, 10);
        expect(scene.goodputPercent(overload)).toBeGreaterThanOrEqual(90);
        expect(p99(overload)).toBeLessThanOrEqual(2 * uncongested);
      }
    },
  );

  it('is not held by a bulkhead of fixed size: its queue, and the queue behind it, fill up', () => {
    const scene = new Scene(QUEUEING, undefined);
    const uncongested = p99(scene.offer(0.5, 5));
    scene.offer(2, 5);
    expect(p99(scene.offer(2, 10))).toBeGreaterThan(3 * uncongested);
  });

  it('does not become the new normal, if it lasts for minutes', () => {
    const scene = new Scene(QUEUEING, GRADIENT2);
    const uncongested = p99(scene.offer(0.5, 5));
    scene.offer(2, 120);
    expect(p99(scene.offer(2, 20))).toBeLessThanOrEqual(2 * uncongested);
  });

  it('spares a rejecting upstream nearly all that it would have to reject', () => {
    const rejected = (policy: AdaptiveLimitPolicy | undefined): number => {
      const scene = new Scene(REJECTING, policy);
      scene.offer(2, 5);
      const { rejections } = scene.upstream;
      const { offered } = scene.offer(2, 10);
      return (scene.upstream.rejections - rejections) / offered;
    };
    expect(rejected(undefined)).toBeGreaterThan(0.4);
    expect(rejected(LIMIT)).toBeLessThan(0.02);
  });
});

describe.each<[string, AdaptiveLimitPolicy]>([
  ['gradient2', GRADIENT2],
  ['aimd', AIMD_WITH_THRESHOLD],
])('%s', (_name, policy) => {
  it('drifts nowhere under a light load, and serves a heavy one at once', () => {
    const scene = new Scene(QUEUEING, policy);
    scene.offer(0.05, 60);
    expect(scene.bulkhead.limit).toBe(20);
    expect(scene.goodputPercent(scene.offer(0.9, 5))).toBeGreaterThan(85);
  });

  it('follows an upstream that loses three quarters of its workers, and gets them back', () => {
    const scene = new Scene(QUEUEING, policy);
    scene.offer(0.9, 10);
    scene.upstream.capacity = { ...QUEUEING, workers: 5 };
    scene.offer(0.9, 10);
    const degraded = scene.offer(0.9, 5);
    expect(scene.goodputPercent(degraded)).toBeGreaterThan(22);
    expect(scene.bulkhead.limit).toBeLessThan(20);
    scene.upstream.capacity = QUEUEING;
    scene.offer(0.9, 5);
    expect(scene.goodputPercent(scene.offer(0.9, 5))).toBeGreaterThan(85);
  });

  it('recovers by itself after everything was refused for half a minute', () => {
    const scene = new Scene(QUEUEING, policy);
    scene.offer(0.9, 5);
    scene.upstream.capacity = { ...QUEUEING, workers: 0, queue: 0 };
    expect(scene.offer(0.9, 30).goodput).toBe(0);
    expect(scene.bulkhead.limit).toBeGreaterThanOrEqual(4);
    scene.upstream.capacity = QUEUEING;
    scene.offer(0.9, 5);
    expect(scene.goodputPercent(scene.offer(0.9, 5))).toBeGreaterThan(85);
  });
});

describe('an upstream that becomes three times slower by itself', () => {
  it('is given the concurrency it needs again', () => {
    const scene = new Scene(QUEUEING, GRADIENT2);
    scene.offer(0.5, 5);
    scene.upstream.capacity = { ...QUEUEING, workers: 60, serviceMs: 150 };
    scene.offer(0.6, 15);
    expect(scene.goodputPercent(scene.offer(0.6, 5))).toBeGreaterThan(55);
  });
});
