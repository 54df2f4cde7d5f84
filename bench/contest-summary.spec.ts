import { describeVerdict, type RoundsByServer, summarise, verdicts } from './contest-summary.js';
import { CONTESTANTS, CPU_TARGETS, type Letter } from './contestants.js';
import { type Measurement } from './rounds.js';

const [tributary, byHand] = CONTESTANTS;

function round(cpuMicrosPerComposite: number): Measurement {
  return {
    cpuMicrosPerComposite,
    requestsPerSecond: 1e6 / cpuMicrosPerComposite,
    p50Ms: 1,
    p99Ms: 2,
    rssBytes: 3,
    busy: 1,
    upstreamCallsPerComposite: 3,
    composites: 10,
  };
}

describe('summarise', () => {
  const rounds: RoundsByServer<Letter> = new Map([
    ['a', [round(150), round(300), round(160)]],
    ['b', [round(100), round(200), round(80)]],
  ]);

  it('gives medians over the rounds, and the median of each round’s ratio', () => {
    const { cpuMicrosPerComposite, composites, toBaseline } = summarise(tributary, rounds, 'b');
    expect(cpuMicrosPerComposite).toBe(160);
    expect(composites).toBe(30);
    // 1.5, 1.5 and 2, round by round; the ratio of the medians would say 1.6.
    expect(toBaseline?.cpuMicrosPerComposite).toBe(1.5);
  });

  it('compares the baseline with itself', () => {
    expect(summarise(byHand, rounds, 'b').toBaseline?.requestsPerSecond).toBe(1);
  });

  it('says nothing of a baseline that did not run', () => {
    expect(
      summarise(tributary, new Map<Letter, Measurement[]>([['a', [round(1)]]]), 'b').toBaseline,
    ).toBeUndefined();
  });
});

describe('verdicts', () => {
  it('holds at the limit, and not above it', () => {
    const [atLimit] = verdicts(
      new Map<Letter, Measurement[]>([
        ['a', [round(180)]],
        ['b', [round(100)]],
      ]),
      CPU_TARGETS,
    );
    const [above] = verdicts(
      new Map<Letter, Measurement[]>([
        ['a', [round(181)]],
        ['b', [round(100)]],
      ]),
      CPU_TARGETS,
    );
    expect(atLimit?.holds).toBe(true);
    expect(above?.holds).toBe(false);
  });

  it('says nothing of servers that did not run', () => {
    expect(verdicts(new Map<Letter, Measurement[]>([['b', [round(1)]]]), CPU_TARGETS)).toEqual([]);
  });

  it('says it in words', () => {
    const verdict = { of: 'a', against: 'c', atMost: 0.2, ratio: 0.456, holds: false } as const;
    expect(describeVerdict(verdict)).toBe('CPU per composite, (a) to (c): 0.46, at most 0.2: does NOT hold');
  });
});
