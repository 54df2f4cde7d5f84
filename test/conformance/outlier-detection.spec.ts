import {
  type EjectionChange,
  OutlierDetection,
  type OutlierDetectionPolicy,
  OutlierHost,
  outlierThreshold,
} from '../../src/resilience/outlier-detection.js';
import { resolvePolicy } from '../../src/upstream/config/policy.js';
import { differs, scenario } from './scenario.js';
import { NO_BACKOFF, NO_BREAKER, ScriptedUpstream } from './scripted-upstream.js';

const ENVOY = 'outlier_detection_impl_test.cc OutlierDetectorImplTest';

/** Envoy's defaults, with its jitter left out. */
class Cluster {
  now = 0;
  readonly changes: EjectionChange[] = [];
  readonly hosts: readonly OutlierHost[];
  readonly detection: OutlierDetection<OutlierHost>;

  constructor(hosts: number, policy: Partial<OutlierDetectionPolicy> = {}) {
    this.hosts = Array.from({ length: hosts }, () => new OutlierHost());
    const settled = { ...resolvePolicy().outlierDetection, maxEjectionJitterMs: 0, ...policy };
    this.detection = new OutlierDetection(
      settled,
      () => 0,
      0,
      (_host, change) => this.changes.push(change),
    );
    this.detection.watch(this.hosts);
  }

  host(index: number): OutlierHost {
    const host = this.hosts[index];
    if (host === undefined) throw new Error(`there is no host ${index}`);
    return host;
  }

  /** Sends calls to a host: S succeeds, F fails. */
  load(index: number, outcomes: string): void {
    const host = this.host(index);
    for (const outcome of outcomes) {
      if (outcome === 'F') this.detection.failed(host, host.generation, this.now);
      else this.detection.succeeded(host, host.generation, this.now);
    }
  }

  at(now: number): this {
    this.now = now;
    this.detection.update(now);
    return this;
  }

  ejected(): readonly number[] {
    return this.hosts.flatMap((host, index) => (host.ejected ? [index] : []));
  }
}

describe('consecutive failures', () => {
  scenario(
    'Envoy',
    `${ENVOY}.BasicFlow5xxViaHttpCodes`,
    'given 2 hosts, when one goes F S F F F F it stays, at the fifth F it is ejected; at 9.999 s it is out, at 30.001 s back, and 5 F eject it again',
    () => {
      const cluster = new Cluster(2);
      cluster.load(0, 'FSFFFF');
      expect(cluster.ejected()).toEqual([]);
      cluster.load(0, 'F');
      expect(cluster.ejected()).toEqual([0]);
      expect(cluster.at(9_999).ejected()).toEqual([0]);
      expect(cluster.at(30_001).ejected()).toEqual([]);
      cluster.load(0, 'FFFF');
      cluster.at(40_000).load(0, 'F');
      expect(cluster.ejected()).toEqual([0]);
      expect(cluster.changes.map(({ change }) => change)).toEqual(['ejected', 'returned', 'ejected']);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.ExternalOriginEventsNonSplit`,
    'given 2 hosts, when one fails and succeeds 100 times in turn, then it stays; when it fails on, it goes',
    () => {
      const cluster = new Cluster(2);
      cluster.load(0, 'FS'.repeat(100));
      expect(cluster.ejected()).toEqual([]);
      cluster.load(0, 'FFFFF');
      expect(cluster.ejected()).toEqual([0]);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY}.BasicFlow5xxViaNonHttpCodes (connections that fail count like bad statuses)`,
    'given 2 endpoints, when one takes no connection 5 times, then it gets no calls for 30 s',
    () => {
      const urls = ['http://192.0.2.1', 'http://192.0.2.2'];
      const scripted = new ScriptedUpstream(
        { urls, retry: { maxAttempts: 1 }, outlierDetection: { panicThresholdPercent: 0 }, ...NO_BREAKER },
        {
          random: NO_BACKOFF,
          script: (attempt) => {
            if (attempt.config.url?.startsWith('http://192.0.2.1') === true) attempt.fail('reset');
            else attempt.answer();
          },
        },
      );
      for (let call = 0; call < 10; call++) scripted.call();
      scripted.attempts.length = 0;
      for (let second = 0; second < 29; second++) {
        scripted.clock.advance(1_000);
        scripted.call();
      }
      expect(new Set(scripted.attempts.map(({ config }) => config.url))).toEqual(
        new Set(['http://192.0.2.2/']),
      );
    },
  );

  scenario(
    'Envoy',
    'outlier.rst: consecutive_5xx may be left out',
    'given 0 consecutive failures, when a host fails 1,000 times, then it stays',
    () => {
      const cluster = new Cluster(2, { consecutiveFailures: 0, successRate: false });
      cluster.load(0, 'F'.repeat(1_000));
      expect(cluster.ejected()).toEqual([]);
    },
  );

  scenario(
    'Envoy',
    'outlier_detection.proto: base_ejection_time x times ejected, at most max_ejection_time',
    'given 30 s and a cap of 300 s, when a host goes again as soon as it is back, then for 30, 60, ... 270, 300 and 300 s',
    () => {
      const cluster = new Cluster(2);
      for (let time = 0; time < 12; time++) {
        cluster.load(0, 'FFFFF');
        cluster.at(cluster.host(0).ejectedUntil);
      }
      const times = cluster.changes.flatMap((change) =>
        change.change === 'ejected' ? [change.forMs / 1_000] : [],
      );
      expect(times).toEqual([30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]);
    },
  );

  scenario(
    'Envoy',
    'outlier_detection.proto: max_ejection_time_jitter',
    'given up to 3 s of jitter, when half is drawn, then a host is out for 31.5 s',
    () => {
      const { outlierDetection } = resolvePolicy();
      const [one, two] = [new OutlierHost(), new OutlierHost()];
      const detection = new OutlierDetection(outlierDetection, () => 0.5, 0);
      detection.watch([one, two]);
      for (let call = 0; call < 5; call++) detection.failed(one, 0, 0);
      expect(one.ejectedUntil).toBe(31_500);
    },
  );
});

describe('how many may go', () => {
  for (const [hosts, most] of [
    [2, 1],
    [10, 1],
    [20, 2],
    [25, 2],
    [30, 3],
  ] as const) {
    scenario(
      'Envoy',
      'outlier_detection.proto: max_ejection_percent 10 %, but at least one host',
      `given ${hosts} hosts, when all fail 5 times, then ${most} are out`,
      () => {
        const cluster = new Cluster(hosts);
        for (let host = 0; host < hosts; host++) cluster.load(host, 'FFFFF');
        expect(cluster.ejected()).toHaveLength(most);
      },
    );
  }

  scenario(
    'gRPC',
    'A50: a lone address',
    'given 1 host, when it fails 100 times, then it stays: the breaker sees to it',
    () => {
      const cluster = new Cluster(1);
      cluster.load(0, 'F'.repeat(100));
      expect(cluster.ejected()).toEqual([]);
    },
  );

  scenario(
    'Envoy',
    'panic_threshold.rst: below 50 % healthy, all hosts are used',
    'given 4 hosts of which all may go, when 3 are out, then all 4 get calls; with 2 out, only the 2 others',
    () => {
      const cluster = new Cluster(4, { maxEjectionPercent: 100 });
      cluster.load(0, 'FFFFF');
      cluster.load(1, 'FFFFF');
      expect(cluster.hosts.map((host) => cluster.detection.isUsable(host))).toEqual([
        false,
        false,
        true,
        true,
      ]);
      cluster.load(2, 'FFFFF');
      expect(cluster.detection.panicking).toBe(true);
      expect(cluster.hosts.every((host) => cluster.detection.isUsable(host))).toBe(true);
    },
  );

  scenario(
    'Envoy',
    `${ENVOY} (a result for a host that is out changes nothing)`,
    'given a host that is out, when 100 calls from before fail late, then it is back after 30 s with no failures counted',
    () => {
      const cluster = new Cluster(2);
      const generation = cluster.host(0).generation;
      cluster.load(0, 'FFFFF');
      for (let late = 0; late < 100; late++) cluster.detection.failed(cluster.host(0), generation, 15_000);
      cluster.at(30_000);
      for (let late = 0; late < 100; late++) cluster.detection.failed(cluster.host(0), generation, 30_000);
      expect(cluster.ejected()).toEqual([]);
      expect(cluster.detection.snapshot(cluster.host(0), 30_000).consecutiveFailures).toBe(0);
    },
  );
});

describe('success rates', () => {
  scenario(
    'Envoy',
    `${ENVOY} (success rate: average 90, threshold 52)`,
    'given 5 hosts with 200 calls, when four have 100 % and one 50 %, then the mean is 90, the threshold 52, and the one goes',
    () => {
      expect(outlierThreshold([100, 100, 100, 100, 50], 1.9)).toBeCloseTo(52, 10);
      const cluster = new Cluster(5, { consecutiveFailures: 0 });
      for (let host = 0; host < 4; host++) cluster.load(host, 'S'.repeat(400));
      cluster.load(4, 'S'.repeat(200) + 'F'.repeat(200));
      expect(cluster.ejected()).toEqual([]);
      expect(cluster.at(10_000).ejected()).toEqual([4]);
      expect(cluster.changes).toMatchObject([{ change: 'ejected', reason: 'success-rate', forMs: 30_000 }]);
      expect(cluster.at(19_999).ejected()).toEqual([4]);
      expect(cluster.at(50_001).ejected()).toEqual([]);
    },
  );

  scenario(
    'gRPC',
    'A50: success_rate_ejection minimum_hosts 5, request_volume 100',
    'given 4 hosts of enough volume, or 5 with 99 calls, when one fails half of its calls, then none goes',
    () => {
      for (const [hosts, calls] of [
        [4, 400],
        [5, 99],
      ] as const) {
        const cluster = new Cluster(hosts, { consecutiveFailures: 0 });
        for (let host = 1; host < hosts; host++) cluster.load(host, 'S'.repeat(calls));
        cluster.load(0, 'F'.repeat(calls));
        expect(cluster.at(10_000).ejected()).toEqual([]);
      }
    },
  );

  scenario(
    'gRPC',
    'A50: failure_percentage_ejection threshold 85, minimum_hosts 5, request_volume 50',
    'given 5 hosts with 100 calls, when one fails 84 of them it stays; when it fails 85, it goes',
    () => {
      for (const [failures, ejected] of [
        [84, []],
        [85, [0]],
      ] as const) {
        const cluster = new Cluster(5, {
          consecutiveFailures: 0,
          successRate: false,
          failurePercentage: true,
        });
        for (let host = 1; host < 5; host++) cluster.load(host, 'S'.repeat(100));
        cluster.load(0, 'S'.repeat(100 - failures) + 'F'.repeat(failures));
        expect(cluster.at(10_000).ejected()).toEqual(ejected);
      }
    },
  );

  differs(
    'Envoy',
    'outlier_detection_impl.cc (an interval is judged by its own timer)',
    'given no timer, when nobody looks for 25 s after an interval with an outlier, then none goes for what is long past',
    'an interval that nobody looked at for another whole one says nothing by now',
    () => {
      const cluster = new Cluster(5, { consecutiveFailures: 0 });
      for (let host = 1; host < 5; host++) cluster.load(host, 'S'.repeat(400));
      cluster.load(0, 'F'.repeat(400));
      expect(cluster.at(25_000).ejected()).toEqual([]);
    },
  );
});
