import fc from 'fast-check';
import {
  type EjectionChange,
  OutlierDetection,
  type OutlierDetectionPolicy,
  OutlierHost,
  outlierThreshold,
} from './outlier-detection.js';
import { seededRandom } from './random.js';

/** Envoy's defaults, without jitter. */
const ENVOY: OutlierDetectionPolicy = {
  consecutiveFailures: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectionJitterMs: 0,
  maxEjectionPercent: 10,
  panicThresholdPercent: 50,
  successRate: true,
  successRateMinimumHosts: 5,
  successRateRequestVolume: 100,
  successRateStdevFactor: 1.9,
  failurePercentage: false,
  failurePercentageThreshold: 85,
  failurePercentageMinimumHosts: 5,
  failurePercentageRequestVolume: 50,
};

/** A detection over `size` hosts, whose time the test moves. */
class Scene {
  now = 0;
  readonly hosts: readonly OutlierHost[];
  readonly changes: [number, EjectionChange][] = [];
  readonly detection: OutlierDetection<OutlierHost>;

  constructor(size: number, policy: Partial<OutlierDetectionPolicy> = {}, random = () => 0) {
    this.hosts = Array.from({ length: size }, () => new OutlierHost());
    this.detection = new OutlierDetection({ ...ENVOY, ...policy }, random, 0, (host, change) =>
      this.changes.push([this.hosts.indexOf(host), change]),
    );
    this.detection.watch(this.hosts);
  }

  host(index: number): OutlierHost {
    const host = this.hosts[index];
    if (host === undefined) throw new RangeError(`no host ${index}`);
    return host;
  }

  /** Calls that are chosen for the host and fail at once. */
  fail(index: number, times = 1): void {
    this.detection.update(this.now);
    const host = this.host(index);
    for (let i = 0; i < times; i++) this.detection.failed(host, host.generation, this.now);
  }

  succeed(index: number, times = 1): void {
    this.detection.update(this.now);
    const host = this.host(index);
    for (let i = 0; i < times; i++) this.detection.succeeded(host, host.generation, this.now);
  }

  /** As many calls as each of `failures` says failed, of `calls` in all; none of them five in a row. */
  traffic(calls: number, failures: readonly number[]): void {
    for (const [index, failed] of failures.entries()) {
      for (let call = 0; call < calls; call++) {
        if (call % 10 < (10 * failed) / calls) this.fail(index);
        else this.succeed(index);
      }
    }
  }

  ejected(): number[] {
    this.detection.update(this.now);
    return this.hosts.flatMap((host, index) => (host.ejected ? [index] : []));
  }

  usable(): number[] {
    this.detection.update(this.now);
    return this.hosts.flatMap((host, index) => (this.detection.isUsable(host) ? [index] : []));
  }

  known(index: number) {
    return this.detection.snapshot(this.host(index), this.now);
  }
}

describe('failures in a row', () => {
  it('eject a host when there are five of them, for 30 seconds', () => {
    const scene = new Scene(3);
    scene.fail(1, 4);
    expect(scene.ejected()).toEqual([]);
    scene.fail(1);
    expect(scene.ejected()).toEqual([1]);
    expect(scene.changes).toEqual([
      [1, { change: 'ejected', reason: 'consecutive-failures', forMs: 30_000 }],
    ]);
    scene.now = 29_999;
    expect(scene.usable()).toEqual([0, 2]);
    scene.now = 30_000;
    expect(scene.usable()).toEqual([0, 1, 2]);
    expect(scene.changes.slice(1)).toEqual([[1, { change: 'returned' }]]);
  });

  it('begin anew with every success', () => {
    const scene = new Scene(3);
    scene.fail(1, 4);
    scene.succeed(1);
    scene.fail(1, 4);
    expect(scene.ejected()).toEqual([]);
    expect(scene.known(1)).toMatchObject({ consecutiveFailures: 4 });
  });

  it('eject nobody where the threshold is 0', () => {
    const scene = new Scene(3, { consecutiveFailures: 0 });
    scene.fail(1, 1_000);
    expect(scene.ejected()).toEqual([]);
  });

  it('eject nobody where there is only one host: that is for the breaker', () => {
    const scene = new Scene(1, { maxEjectionPercent: 100 });
    scene.fail(0, 1_000);
    expect(scene.ejected()).toEqual([]);
  });

  it('of calls made before the host went, or before it came back, count as nothing', () => {
    const scene = new Scene(3);
    const { generation: before } = scene.host(1);
    scene.fail(1, 5);
    const { generation: away } = scene.host(1);
    scene.now = 30_000;
    for (let i = 0; i < 20; i++) {
      scene.detection.failed(scene.host(1), before, scene.now);
      scene.detection.failed(scene.host(1), away, scene.now);
    }
    expect(scene.known(1)).toMatchObject({ ejected: false, consecutiveFailures: 0 });
  });

  it('are counted afresh when the host is back', () => {
    const scene = new Scene(3);
    scene.fail(1, 5);
    // Refused or in panic, it may be asked while it is away.
    scene.fail(1, 4);
    scene.now = 30_000;
    scene.fail(1, 4);
    expect(scene.ejected()).toEqual([]);
    scene.fail(1);
    expect(scene.ejected()).toEqual([1]);
  });

  it('have to come again in full where no host more may go', () => {
    const scene = new Scene(10);
    scene.fail(0, 5);
    scene.fail(1, 5);
    scene.now = 30_000;
    scene.fail(1, 4);
    expect(scene.ejected()).toEqual([]);
    scene.fail(1);
    expect(scene.ejected()).toEqual([1]);
  });
});

describe('the length of an ejection', () => {
  it('grows by the base time with each one that is not forgotten, up to the longest', () => {
    const scene = new Scene(2, { maxEjectionMs: 100_000 });
    const lengths = Array.from({ length: 5 }, () => {
      scene.fail(0, 5);
      const { ejectedForMs } = scene.known(0);
      scene.now += ejectedForMs;
      return ejectedForMs;
    });
    expect(lengths).toEqual([30_000, 60_000, 90_000, 100_000, 100_000]);
    for (let ejection = 0; ejection < 20; ejection++) {
      scene.fail(0, 5);
      scene.now += scene.known(0).ejectedForMs;
    }
    // So that even the worst is forgotten after a minute of good behaviour.
    expect(scene.known(0)).toMatchObject({ timesEjected: 5 });
  });

  it('shrinks again: each interval a host stays makes one ejection forgotten', () => {
    const scene = new Scene(2);
    for (let ejection = 0; ejection < 3; ejection++) {
      scene.fail(0, 5);
      scene.now += scene.known(0).ejectedForMs;
    }
    expect(scene.known(0)).toMatchObject({ timesEjected: 3 });
    scene.now += 9_999;
    expect(scene.known(0)).toMatchObject({ timesEjected: 3 });
    scene.now += 1;
    expect(scene.known(0)).toMatchObject({ timesEjected: 2 });
    scene.now += 10_000;
    scene.fail(0, 5);
    expect(scene.known(0)).toMatchObject({ timesEjected: 2, ejectedForMs: 60_000 });
  });

  it('is forgotten altogether after an hour, not owed', () => {
    const scene = new Scene(2);
    scene.fail(0, 5);
    scene.now += 3_600_000;
    scene.fail(0, 5);
    expect(scene.known(0)).toMatchObject({ timesEjected: 1, ejectedForMs: 30_000 });
  });

  it('has a random part on top', () => {
    const scene = new Scene(2, { maxEjectionJitterMs: 3_000 }, () => 0.5);
    scene.fail(0, 5);
    expect(scene.known(0)).toMatchObject({ ejectedForMs: 31_500 });
  });
});

describe('how many may be ejected at once', () => {
  it.each([
    [2, 10, 1],
    [9, 10, 1],
    [19, 10, 1],
    [20, 10, 2],
    [30, 10, 3],
    [3, 34, 1],
    [3, 67, 2],
    [4, 100, 4],
  ])('of %i hosts at %i %% is %i', (size, maxEjectionPercent, most) => {
    const scene = new Scene(size, { maxEjectionPercent });
    for (let index = 0; index < size; index++) scene.fail(index, 5);
    expect(scene.ejected()).toHaveLength(most);
  });

  it('is one more as soon as one is back', () => {
    const scene = new Scene(10);
    scene.fail(3, 5);
    scene.fail(4, 5);
    expect(scene.ejected()).toEqual([3]);
    scene.now = 30_000;
    scene.fail(4, 5);
    expect(scene.ejected()).toEqual([4]);
  });
});

describe('panic', () => {
  const all = { maxEjectionPercent: 100 };

  it('uses all hosts again when less than half of them are left', () => {
    const scene = new Scene(4, all);
    scene.fail(0, 5);
    scene.fail(1, 5);
    expect(scene.usable()).toEqual([2, 3]);
    expect(scene.detection.panicking).toBe(false);
    scene.fail(2, 5);
    expect(scene.usable()).toEqual([0, 1, 2, 3]);
    expect(scene.detection.panicking).toBe(true);
    expect(scene.ejected()).toEqual([0, 1, 2]);
  });

  it('ends as soon as half of them are there', () => {
    const scene = new Scene(4, all);
    scene.fail(0, 5);
    scene.now = 1_000;
    scene.fail(1, 5);
    scene.fail(2, 5);
    scene.now = 30_000;
    expect(scene.usable()).toEqual([0, 3]);
    expect(scene.detection.panicking).toBe(false);
  });

  it('can be ruled out, but for the case that none is left', () => {
    const scene = new Scene(3, { ...all, panicThresholdPercent: 0 });
    scene.fail(0, 5);
    scene.fail(1, 5);
    expect(scene.usable()).toEqual([2]);
    scene.fail(2, 5);
    expect(scene.usable()).toEqual([0, 1, 2]);
  });
});

describe('a success rate', () => {
  const spread = { consecutiveFailures: 0, maxEjectionPercent: 50 };

  it('is an outlier below the mean by 1.9 standard deviations', () => {
    // Envoy's own example (outlier_detection_impl_test.cc): mean 96, deviation 8, of four hosts at 100 and one at 80.
    expect(outlierThreshold([100, 100, 100, 100, 80], 1.9)).toBeCloseTo(80.8, 9);
  });

  it('ejects at the end of the interval in which it was one', () => {
    const scene = new Scene(5, spread);
    scene.traffic(100, [0, 0, 0, 0, 20]);
    scene.now = 9_999;
    expect(scene.ejected()).toEqual([]);
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([4]);
    expect(scene.changes).toEqual([[4, { change: 'ejected', reason: 'success-rate', forMs: 30_000 }]]);
    expect([3, 4].map((index) => scene.known(index).successRatePercent)).toEqual([100, 80]);
  });

  it('leaves nothing to be held against a host when it is back', () => {
    const scene = new Scene(5, { ...spread, consecutiveFailures: 30 });
    scene.traffic(100, [0, 0, 0, 0, 20]);
    scene.fail(4, 29);
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([4]);
    scene.now = 40_000;
    scene.fail(4);
    expect(scene.ejected()).toEqual([]);
    expect(scene.known(4)).toMatchObject({ consecutiveFailures: 1 });
  });

  it.each<[string, number, number, Partial<OutlierDetectionPolicy>]>([
    ['with fewer hosts than five', 4, 100, {}],
    ['with fewer calls than a hundred', 5, 90, {}],
    ['with a larger factor', 5, 100, { successRateStdevFactor: 2.1 }],
    ['where it is not asked for', 5, 100, { successRate: false }],
  ])('ejects nobody %s', (_case, size, calls, policy) => {
    const scene = new Scene(size, { ...spread, ...policy });
    scene.traffic(calls, [...Array.from({ length: size - 1 }, () => 0), calls / 5]);
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([]);
  });

  it('ejects nobody where all do equally badly', () => {
    const scene = new Scene(5, spread);
    scene.traffic(100, [90, 90, 90, 90, 90]);
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([]);
  });

  it('is that of one interval, not of two', () => {
    const scene = new Scene(5, spread);
    scene.traffic(50, [0, 0, 0, 0, 10]);
    scene.now = 10_000;
    scene.traffic(50, [0, 0, 0, 0, 10]);
    scene.now = 20_000;
    expect(scene.ejected()).toEqual([]);
  });

  it('judges nobody a whole interval later: it says nothing about now', () => {
    const scene = new Scene(5, spread);
    scene.traffic(100, [0, 0, 0, 0, 20]);
    scene.now = 20_000;
    expect(scene.ejected()).toEqual([]);
    expect(scene.known(4).successRatePercent).toBeUndefined();
    scene.now = 20_001;
    scene.traffic(100, [0, 0, 0, 0, 20]);
    scene.now = 30_000;
    expect(scene.ejected()).toEqual([4]);
  });
});

describe('a share of failures', () => {
  const asked = { consecutiveFailures: 0, successRate: false, failurePercentage: true };

  it('ejects from 85 % on, whatever the others do', () => {
    const scene = new Scene(5, { ...asked, maxEjectionPercent: 40 });
    scene.traffic(100, [80, 90, 80, 90, 80]);
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([1, 3]);
    expect(scene.changes[0]?.[1]).toMatchObject({ reason: 'failure-percentage' });
  });

  it.each<[string, number, number, Partial<OutlierDetectionPolicy>]>([
    ['as long as it is not asked for, as in Envoy', 5, 100, { failurePercentage: false }],
    ['with fewer hosts than five', 4, 100, {}],
    ['with fewer calls than fifty', 5, 40, {}],
  ])('ejects nobody %s', (_case, size, calls, policy) => {
    const scene = new Scene(size, { ...asked, ...policy });
    scene.traffic(
      calls,
      Array.from({ length: size }, () => calls),
    );
    scene.now = 10_000;
    expect(scene.ejected()).toEqual([]);
  });
});

describe('hosts that are no longer there', () => {
  it('are forgotten, and make room for ejections', () => {
    const scene = new Scene(10);
    scene.fail(0, 5);
    scene.detection.watch(scene.hosts.slice(1));
    scene.fail(1, 5);
    expect(scene.host(1).ejected).toBe(true);
    expect(scene.detection.ejected).toBe(1);
  });

  it('are not ejected for what comes of calls that were under way', () => {
    const scene = new Scene(3);
    const { generation } = scene.host(0);
    scene.detection.watch(scene.hosts.slice(1));
    for (let i = 0; i < 10; i++) scene.detection.failed(scene.host(0), generation, 0);
    expect(scene.changes).toEqual([]);
  });
});

describe('whatever happens', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('fail' as const), host: fc.nat(11) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('burst' as const), host: fc.nat(11) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('succeed' as const), host: fc.nat(11) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(40_000) }) },
  );
  const scenes = fc.record({
    size: fc.integer({ min: 1, max: 12 }),
    seed: fc.nat(),
    maxEjectionPercent: fc.integer({ min: 1, max: 100 }),
    panicThresholdPercent: fc.integer({ min: 0, max: 100 }),
    steps: fc.array(step, { maxLength: 200 }),
  });

  it('never more are ejected than may be, some host is usable, and all come back', () => {
    fc.assert(
      fc.property(scenes, ({ size, seed, steps, ...policy }) => {
        const most = size < 2 ? 0 : Math.max(1, Math.floor((size * policy.maxEjectionPercent) / 100));
        const scene = new Scene(
          size,
          { ...policy, maxEjectionJitterMs: 3_000, successRateRequestVolume: 5, failurePercentage: true },
          seededRandom(seed),
        );
        for (const step of steps) {
          if (step.kind === 'wait') scene.now += step.ms;
          else if (step.kind === 'succeed') scene.succeed(step.host % size);
          else scene.fail(step.host % size, step.kind === 'burst' ? 5 : 1);
          const ejected = scene.ejected().length;
          expect(ejected).toBeLessThanOrEqual(most);
          expect(ejected).toBe(scene.detection.ejected);
          expect(scene.usable().length).toBeGreaterThan(0);
          if ((100 * (size - ejected)) / size < policy.panicThresholdPercent)
            expect(scene.usable()).toHaveLength(ejected > 0 ? size : size - ejected);
        }
        scene.now += 300_000 + 3_000;
        expect(scene.usable()).toHaveLength(size);
        expect(scene.ejected()).toEqual([]);
      }),
    );
  });
});
