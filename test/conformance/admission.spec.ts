import { Admission, type AdmissionPolicy, type Priority } from '../../src/resilience/admission.js';
import { seededRandom } from '../../src/resilience/random.js';
import { VirtualClock } from '../../src/resilience/virtual-clock.js';
import { differs, scenario } from './scenario.js';

function door(policy: Partial<AdmissionPolicy> = {}): { admission: Admission; clock: VirtualClock } {
  const clock = new VirtualClock();
  const settled = {
    maxInFlight: 100,
    defaultSharePercent: 90,
    sheddableSharePercent: 10,
    maxLoopDelayMs: 100,
    ...policy,
  };
  return { admission: new Admission(settled, clock, seededRandom(9)), clock };
}

/** How many of so many requests get in; they stay in. */
function admitted(admission: Admission, priority: Priority, requests: number): number {
  let count = 0;
  for (let request = 0; request < requests; request++) if (admission.tryAdmit(priority)) count++;
  return count;
}

/** As admitted, but each leaves before the next comes. */
function passed(admission: Admission, priority: Priority, requests: number): number {
  let count = 0;
  for (let request = 0; request < requests; request++) {
    if (!admission.tryAdmit(priority)) continue;
    count++;
    admission.release();
  }
  return count;
}

const lags = (admission: Admission, ms: number): void => {
  for (let sample = 0; sample < 50; sample++) admission.observeLoopDelay(ms);
};

describe('the count of requests', () => {
  scenario(
    'concurrency-limits',
    'AbstractPartitionedLimiter (live 0.9, batch 0.1)',
    'given 100 places, when 200 of each kind come, sheddable first, then 10, 80 and 10 get in: 90 for default, and the last 10 for critical',
    () => {
      const { admission } = door();
      expect(admitted(admission, 'sheddable', 200)).toBe(10);
      expect(admitted(admission, 'default', 200)).toBe(80);
      expect(admitted(admission, 'critical', 200)).toBe(10);
      expect(admission.inFlight).toBe(100);
    },
  );

  scenario(
    'concurrency-limits',
    'SimpleLimiterTest.testReleaseLimit',
    'given all 100 places taken, when 1 is given back, then exactly 1 more gets in',
    () => {
      const { admission } = door();
      admitted(admission, 'critical', 100);
      admission.release();
      expect(admitted(admission, 'critical', 10)).toBe(1);
    },
  );
});

describe('the delay of the event loop', () => {
  scenario(
    'Finagle',
    'NackAdmissionFilter (exponential average: a single bad sample changes nothing)',
    'given 100 ms, when one sample of 300 ms comes after a calm second, then nobody is refused',
    () => {
      const { admission } = door();
      lags(admission, 1);
      admission.observeLoopDelay(300);
      expect(passed(admission, 'default', 1_000)).toBe(1_000);
    },
  );

  scenario(
    'Google SRE',
    'SRE book, "Handling Overload": requests are refused with a probability',
    'given 100 ms, when the loop is 150 ms late for long, then 45 % of 10,000 are refused, give or take 2',
    () => {
      const { admission } = door();
      lags(admission, 150);
      const refused = 10_000 - passed(admission, 'default', 10_000);
      expect(refused / 100).toBeGreaterThan(43);
      expect(refused / 100).toBeLessThan(47);
    },
  );

  differs(
    'Finagle',
    'NackAdmissionFilter.MaxDropProbability 0.75',
    'given 100 ms, when the loop is 10 s late, then 90 % of 10,000 are refused, and never all',
    'some must get in, or it would never learn that it is over; a refusal costs us less than it costs Finagle',
    () => {
      const { admission } = door();
      lags(admission, 10_000);
      const let_in = passed(admission, 'default', 10_000);
      expect(let_in).toBeGreaterThan(900);
      expect(let_in).toBeLessThan(1_100);
    },
  );

  scenario(
    'Google SRE',
    'SRE book, "Handling Overload": criticality',
    'given 100 ms, when the loop is 90 ms late, then sheddable requests are refused, default and critical ones are not',
    () => {
      const { admission } = door();
      lags(admission, 90);
      expect(passed(admission, 'sheddable', 1_000)).toBeLessThan(700);
      expect(passed(admission, 'default', 1_000)).toBe(1_000);
      expect(passed(admission, 'critical', 1_000)).toBe(1_000);
    },
  );

  scenario(
    'Google SRE',
    'SRE book, "Addressing Cascading Failures": it recovers by itself',
    'given a loop that was 10 s late, when it is calm for 50 samples, then nobody is refused any more',
    () => {
      const { admission } = door();
      lags(admission, 10_000);
      lags(admission, 0);
      expect(passed(admission, 'sheddable', 1_000)).toBe(1_000);
    },
  );
});

describe('coming back', () => {
  scenario(
    'RFC 9110',
    '10.2.3 Retry-After (whole seconds)',
    'given 1,000 refused at once, when each is told when to come back, then it is 1 or 2 s, and about half of each',
    () => {
      const { admission } = door();
      const seconds = Array.from({ length: 1_000 }, () => admission.retryAfterSeconds());
      expect(new Set(seconds)).toEqual(new Set([1, 2]));
      const ones = seconds.filter((second) => second === 1).length;
      expect(Math.abs(ones - 500)).toBeLessThan(60);
    },
  );
});
