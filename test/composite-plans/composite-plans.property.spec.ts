import fc from 'fast-check';
import { type PartFailedError } from '../../src/aggregation/part-failed-error.js';
import { type PartReport } from '../../src/aggregation/part-report.js';
import { watch } from '../../src/aggregation/testing/watched.js';
import { CompositeRunner } from '../../src/composite/composite-runner.js';
import { parseGateway } from '../../src/composite/config/gateway.js';
import { deepFrozen } from '../../src/upstream/config/deep-frozen.js';
import { UpstreamRegistry } from '../../src/upstream/upstream-registry.js';
import { ArrivalOrders } from './arrival-orders.js';
import { gatewayFile, type RandomPlan, randomPlans } from './random-plan.js';
import { referenceOutcome, type ReferenceOutcome, type ReferencePart } from './reference-evaluator.js';
import { ScriptedUpstream } from './scripted-upstream.js';

const PLANS = 200;
const PATIENCE_MS = 120_000;

afterEach(() => {
  jest.restoreAllMocks();
});

describe('any composite of a gateway file', () => {
  it(
    'answers what a slow and simple evaluator works out for it, in every order in which its upstreams can answer',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomPlans(), async (plan) => {
          const run = runs(plan);
          const expected = await referenceOutcome(plan);
          const orders = new ArrivalOrders();
          do new Observed(run(), plan, expected).check(orders);
          while (orders.advance());
        }),
        { numRuns: PLANS },
      );
    },
    PATIENCE_MS,
  );

  it('is one of very different ones', async () => {
    const found = new Set<string>();
    for (const plan of fc.sample(randomPlans(), { numRuns: PLANS, seed: 4 })) {
      const { parts } = await referenceOutcome(plan);
      for (const { state } of parts.values()) found.add(state);
      if (parts.size < plan.parts.length) found.add('sparse');
      for (const { pick, omit, rename, merge, place } of plan.parts) {
        if (pick !== undefined) found.add('pick');
        if (omit.length > 0) found.add('omit');
        if (Object.keys(rename).length > 0) found.add('rename');
        if (merge !== undefined) found.add(`merge ${JSON.stringify(merge)}`);
        found.add(typeof place === 'string' ? place : `as ${place.as.split('.').length}`);
      }
    }
    const states = ['ok', 'fallback', 'skipped', 'failed', 'never'];
    const merges = ['merge "deep"', 'merge "concat"', 'merge {"byKey":"id"}'];
    const places = ['flat', 'hidden', 'as 1', 'as 2', 'as 3'];
    expect([...found].sort()).toEqual(
      [...states, ...merges, ...places, 'sparse', 'pick', 'omit', 'rename'].sort(),
    );
  });
});

interface Run {
  readonly runner: CompositeRunner;
  readonly upstream: ScriptedUpstream;
}

/** Reads the plan as a gateway file, once; gives runs of it, each with an upstream of its own. */
function runs(plan: RandomPlan): () => Run {
  const { config, composites } = parseGateway(JSON.stringify(gatewayFile(plan)), { env: {} });
  const registry = new UpstreamRegistry(config);
  const send = jest.spyOn(registry.get('shop'), 'send');
  const runner = new CompositeRunner(composites[0]!, registry).narrowed(plan.fields);
  const behaviours = new Map(plan.parts.map(({ name, behaviour }) => [name, deepFrozen(behaviour)] as const));
  return () => {
    const upstream = new ScriptedUpstream(behaviours);
    send.mockImplementation(upstream.send as never);
    return { runner, upstream };
  };
}

/** One run, held against what should come of it. */
class Observed {
  private readonly ended = new Map<string, PartReport>();
  private readonly answered = new Set<string>();
  private readonly references: ReadonlyMap<string, readonly string[]>;

  constructor(
    private readonly run: Run,
    { parts }: RandomPlan,
    private readonly expected: ReferenceOutcome,
  ) {
    this.references = new Map(parts.map(({ name, references }) => [name, references.map(({ to }) => to)]));
  }

  /** Answers call after call, and looks after each one whether everything is as it should be. */
  check(orders: ArrivalOrders): void {
    const { runner, upstream } = this.run;
    const listener = { partEnded: (report: PartReport) => this.ended.set(report.part, report) };
    const watched = watch(runner.run({ params: {}, body: null }, listener));
    for (;;) {
      const failed = this.named((part, name) => part.state === 'failed' && this.isDone(part, name));
      if (failed.length > 0) {
        expect(watched.end).toBe('failed');
        expect(upstream.waiting).toEqual([]);
        const { part, reason } = watched.error as PartFailedError;
        expect(failed).toContain(part);
        expect(reason).toBe(this.expected.parts.get(part)?.reason);
        this.checkParts();
        return;
      }
      // Not before what it needs is there, and not any later; each once.
      const begun = this.named(({ url }, name) => url !== undefined && this.isReady(name));
      holds(upstream.asked.map(({ part }) => part).sort(), begun.sort());
      const next = orders.next(upstream.waiting);
      if (next === undefined) break;
      this.answered.add(next);
      upstream.end(next);
    }
    expect(watched.end).toBe('completed');
    holds([...this.ended.keys()].sort(), [...this.expected.parts.keys()].sort());
    this.checkParts();
    holds(watched.values, [this.expected.document]);
  }

  private checkParts(): void {
    for (const { part, url } of this.run.upstream.asked) {
      holds([part, url], [part, this.expected.parts.get(part)?.url]);
    }
    for (const { part, state, reason } of this.ended.values()) {
      const expected = this.expected.parts.get(part);
      holds([part, state, reason], [part, expected?.state, expected?.reason]);
    }
  }

  private named(holds: (part: ReferencePart, name: string) => boolean): string[] {
    return [...this.expected.parts].filter(([name, part]) => holds(part, name)).map(([name]) => name);
  }

  /** Whether all that a part refers to has ended, with something for it. */
  private isReady(name: string): boolean {
    return (this.references.get(name) ?? []).every((needed) => {
      const state = this.ended.get(needed)?.state;
      return state !== undefined && state !== 'failed';
    });
  }

  private isDone({ url }: ReferencePart, name: string): boolean {
    return this.isReady(name) && (url === undefined || this.answered.has(name));
  }
}

/** Expects equal bytes; what Jest would say is worked out only where they are not. */
function holds(actual: unknown, expected: unknown): void {
  const [bytes, expectedBytes] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (bytes !== expectedBytes) expect(bytes).toBe(expectedBytes);
}
