import { Observable } from 'rxjs';
import * as guards from './index.js';

/** By this entry alone: whoever takes the guards without the gateway has nothing else. */
describe('tributary/resilience', () => {
  it('makes one call of equal ones', () => {
    const waiting: ((value: string) => void)[] = [];
    const handler = guards.asHandler(
      () =>
        new Observable<string>((subscriber) => {
          waiting.push((value) => {
            subscriber.next(value);
          });
        }),
    );
    const flights: guards.CoalescedCalls<string, guards.Call> = new guards.Flights();
    const coalescing = guards.withCoalescing<string, guards.Call>(flights, {
      keyOf: () => 'equal',
      changes: () => false,
      detached: (call) => ({ ...call, deadlineAt: Infinity }),
      copier: (value) => () => value,
    })(handler);
    const heard: string[] = [];
    for (let caller = 0; caller < 3; caller++) {
      guards
        .asObservable(coalescing, { deadlineAt: Infinity, replaySafe: true })
        .subscribe((value) => heard.push(value));
    }
    expect(waiting).toHaveLength(1);
    waiting[0]?.('answer');
    expect(heard).toEqual(['answer', 'answer', 'answer']);
  });

  it('ejects a host of a class of its own', () => {
    class Shard extends guards.OutlierHost {
      constructor(readonly name: string) {
        super();
      }
    }
    const ejections: string[] = [];
    const detection = new guards.OutlierDetection<Shard>(
      {
        consecutiveFailures: 2,
        intervalMs: 10_000,
        baseEjectionMs: 30_000,
        maxEjectionMs: 300_000,
        maxEjectionJitterMs: 0,
        maxEjectionPercent: 50,
        panicThresholdPercent: 0,
        successRate: false,
        successRateMinimumHosts: 5,
        successRateRequestVolume: 100,
        successRateStdevFactor: 1.9,
        failurePercentage: false,
        failurePercentageThreshold: 85,
        failurePercentageMinimumHosts: 5,
        failurePercentageRequestVolume: 50,
      },
      guards.seededRandom(1),
      0,
      ({ name }, { change }) => ejections.push(`${name} ${change}`),
    );
    const [one, two] = [new Shard('one'), new Shard('two')];
    detection.watch([one, two]);
    for (let failure = 0; failure < 2; failure++) detection.failed(two, two.generation, 0);
    expect([detection.isUsable(one), detection.isUsable(two)]).toEqual([true, false]);
    detection.update(30_000);
    expect(ejections).toEqual(['two ejected', 'two returned']);
  });

  it('refuses at the door, and lets in again', () => {
    const admission = new guards.Admission(
      { maxInFlight: 1, defaultSharePercent: 100, sheddableSharePercent: 100, maxLoopDelayMs: null },
      new guards.VirtualClock(),
      guards.seededRandom(1),
    );
    expect(admission.tryAdmit('default')).toBe(true);
    expect(admission.tryAdmit('default')).toBe(false);
    admission.release();
    expect(admission.tryAdmit('default')).toBe(true);
  });
});
