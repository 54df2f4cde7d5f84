import fc from 'fast-check';
import {
  Admission,
  type AdmissionPolicy,
  type AdmissionTransition,
  lowerPriority,
  PRIORITIES,
} from './admission.js';
import { type Random, seededRandom } from './random.js';
import { VirtualClock } from './virtual-clock.js';

class Bench {
  readonly clock = new VirtualClock();
  readonly transitions: AdmissionTransition[] = [];
  readonly admission: Admission;

  constructor(policy: Partial<AdmissionPolicy> = {}, random: Random = seededRandom(1)) {
    this.admission = new Admission(
      { maxInFlight: 10, defaultSharePercent: 90, sheddableSharePercent: 50, maxLoopDelayMs: 100, ...policy },
      this.clock,
      random,
      (transition) => this.transitions.push(transition),
    );
  }

  /** Makes the loop this late, for long enough that the average is as well. */
  lag(ms: number): void {
    for (let sample = 0; sample < 100; sample++) this.admission.observeLoopDelay(ms);
  }

  /** How many of 1000 requests are refused, each gone before the next comes. */
  refusedOfThousand(priority: (typeof PRIORITIES)[number] = 'default'): number {
    let refused = 0;
    for (let request = 0; request < 1_000; request++) {
      if (this.admission.tryAdmit(priority)) this.admission.release();
      else refused++;
    }
    return refused;
  }
}

describe('the count of requests in flight', () => {
  it('refuses what is above the share of its priority', () => {
    const { admission } = new Bench();
    const admitted = (priority: (typeof PRIORITIES)[number]): number => {
      let count = 0;
      while (admission.tryAdmit(priority)) count++;
      return count;
    };
    expect([admitted('sheddable'), admitted('default'), admitted('critical')]).toEqual([5, 4, 1]);
    expect(admission.snapshot()).toEqual({
      inFlight: 10,
      loopDelayMs: 0,
      refused: { critical: 1, default: 1, sheddable: 1 },
    });
  });

  it('leaves every priority one place at the least', () => {
    for (const priority of PRIORITIES)
      expect(new Bench({ maxInFlight: 1 }).admission.tryAdmit(priority)).toBe(true);
  });

  it('admits the next when one is done', () => {
    const { admission } = new Bench({ maxInFlight: 1 });
    expect([admission.tryAdmit('default'), admission.tryAdmit('default')]).toEqual([true, false]);
    admission.release();
    expect(admission.tryAdmit('default')).toBe(true);
  });

  it('is no limit where there is none', () => {
    const { admission } = new Bench({ maxInFlight: null });
    for (let request = 0; request < 100_000; request++) expect(admission.tryAdmit('sheddable')).toBe(true);
  });

  it('never exceeds the limit, never falls below 0, and is 0 when all are done', () => {
    const step = fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      ends: fc.boolean(),
      delayMs: fc.nat(500),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(step, { maxLength: 200 }),
        (maxInFlight, steps) => {
          const { admission } = new Bench({ maxInFlight });
          let open = 0;
          for (const { priority, ends, delayMs } of steps) {
            admission.observeLoopDelay(delayMs);
            if (!ends) open += Number(admission.tryAdmit(priority));
            else if (open > 0) {
              open--;
              admission.release();
            }
            expect(admission.inFlight).toBe(open);
            expect(open).toBeLessThanOrEqual(maxInFlight);
          }
          for (; open > 0; open--) admission.release();
          expect(admission.inFlight).toBe(0);
        },
      ),
    );
  });
});

describe('the delay of the event loop', () => {
  it('refuses nobody up to the threshold', () => {
    const bench = new Bench();
    bench.lag(100);
    expect(bench.refusedOfThousand()).toBe(0);
  });

  it('refuses a share that grows with it: 45 % half way to twice the threshold', () => {
    const bench = new Bench();
    bench.lag(150);
    const refused = bench.refusedOfThousand();
    expect(refused).toBeGreaterThan(400);
    expect(refused).toBeLessThan(500);
  });

  it('refuses 90 % at the most: who refuses everybody never learns that it has passed', () => {
    const bench = new Bench();
    bench.lag(60_000);
    const refused = bench.refusedOfThousand();
    expect(refused).toBeGreaterThan(870);
    expect(refused).toBeLessThan(930);
  });

  it('refuses sheddable requests from half the threshold on, and critical ones from twice', () => {
    const bench = new Bench();
    bench.lag(75);
    expect(bench.refusedOfThousand('sheddable')).toBeGreaterThan(400);
    expect(bench.refusedOfThousand('default')).toBe(0);
    bench.lag(200);
    expect(bench.refusedOfThousand('default')).toBeGreaterThan(850);
    expect(bench.refusedOfThousand('critical')).toBe(0);
    bench.lag(300);
    expect(bench.refusedOfThousand('critical')).toBeGreaterThan(400);
  });

  it('is smoothed: one pause refuses nobody', () => {
    const bench = new Bench();
    bench.admission.observeLoopDelay(300);
    expect(bench.refusedOfThousand()).toBe(0);
  });

  it('is forgotten as soon as it has passed', () => {
    const bench = new Bench();
    bench.lag(1_000);
    for (let sample = 0; sample < 7; sample++) bench.admission.observeLoopDelay(0);
    expect(bench.refusedOfThousand()).toBe(0);
  });

  it('is not looked at where there is no threshold', () => {
    const bench = new Bench({ maxLoopDelayMs: null });
    bench.lag(60_000);
    expect(bench.refusedOfThousand('sheddable')).toBe(0);
  });

  it('costs no random number while the loop keeps time', () => {
    const { admission } = new Bench({}, () => {
      throw new Error('asked for a random number');
    });
    expect(admission.tryAdmit('sheddable')).toBe(true);
  });
});

describe('what is told', () => {
  it('is the beginning of refusing, with its reason, and its end after five quiet seconds, with the count', () => {
    const { admission, clock, transitions } = new Bench({ maxInFlight: 1 });
    admission.tryAdmit('default');
    admission.tryAdmit('default');
    admission.tryAdmit('default');
    expect(transitions).toEqual([{ shedding: true, because: 'in-flight' }]);
    expect(admission.isShedding).toBe(true);
    clock.advance(4_999);
    admission.observeLoopDelay(0);
    expect(transitions).toHaveLength(1);
    clock.advance(1);
    admission.observeLoopDelay(0);
    expect(transitions).toEqual([
      { shedding: true, because: 'in-flight' },
      { shedding: false, refused: 2 },
    ]);
    expect(admission.isShedding).toBe(false);
  });

  it('ends with a request as well, where nobody measures the loop', () => {
    const { admission, clock, transitions } = new Bench({ maxInFlight: 1, maxLoopDelayMs: null });
    admission.tryAdmit('default');
    admission.tryAdmit('default');
    clock.advance(5_000);
    admission.release();
    expect(transitions).toEqual([
      { shedding: true, because: 'in-flight' },
      { shedding: false, refused: 1 },
    ]);
  });

  it('names the loop where that is the reason', () => {
    const bench = new Bench();
    bench.lag(60_000);
    bench.refusedOfThousand();
    expect(bench.transitions).toEqual([{ shedding: true, because: 'loop-delay' }]);
  });
});

describe('Retry-After', () => {
  it('is one or two seconds, by chance', () => {
    const { admission } = new Bench();
    const seconds = Array.from({ length: 100 }, () => admission.retryAfterSeconds());
    expect(new Set(seconds)).toEqual(new Set([1, 2]));
  });
});

describe('lowerPriority', () => {
  it('is the one that is refused first', () => {
    expect(lowerPriority('critical', 'sheddable')).toBe('sheddable');
    expect(lowerPriority('sheddable', 'default')).toBe('sheddable');
    expect(lowerPriority('critical', 'default')).toBe('default');
  });
});
