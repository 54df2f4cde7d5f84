import fc from 'fast-check';
import { Observable } from 'rxjs';
import { BulkheadFullError } from '../resilience/rejections.js';
import { aggregate, thenAlso, withReport } from './aggregate.js';
import { optional, type Part, type Parts, required, skipped } from './part.js';
import { PartFailedError } from './part-failed-error.js';
import { type CompositeReport, type PartReport } from './part-report.js';
import { fakeTime, realTime } from './testing/fake-time.js';
import { watch } from './testing/watched.js';

/** A part as the generator draws it. Times are in ms from its start. */
interface PartSpec {
  readonly name: string;
  readonly kind: 'required' | 'optional' | 'skipped';
  /** When it answers or fails; 0 for at once, Infinity for never. */
  readonly latency: number;
  readonly fails: boolean;
  readonly within: number | undefined;
}

interface StageSpec {
  /** Names of earlier parts; undefined for all of them. */
  readonly needs: readonly string[] | undefined;
  readonly parts: readonly PartSpec[];
}

interface CompositeSpec {
  readonly stages: readonly StageSpec[];
  readonly deadline: number;
}

interface Outcome {
  readonly value?: string;
  readonly report?: CompositeReport;
  readonly failed?: { readonly part: string; readonly reason: string };
  readonly asked: readonly string[];
}

const RESERVE_MS = 20;
/**
 * Every time is a multiple of UNIT plus a power of two of its own, so that no two chains of parts end at the same
 * moment: what is tested is every order of events, not what happens when two fall together.
 */
const UNIT = 1 << 17;
const MAX_PARTS = 8;

beforeEach(() => {
  fakeTime();
});

afterEach(() => {
  realTime();
});

describe('any composite', () => {
  it('answers what a slow and simple evaluator works out for it', () => {
    fc.assert(
      fc.property(compositeSpecs(), (spec) => {
        expect(run(spec)).toEqual(evaluate(spec));
        expect(jest.getTimerCount()).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('answers the same bytes in whatever order its parts arrive', () => {
    fc.assert(
      fc.property(compositeSpecs().filter(cannotFail), latencies(), latencies(), (spec, some, others) => {
        const one = run(withLatencies(spec, some));
        const other = run(withLatencies(spec, others));
        expect(one.value).toBe(other.value);
        expect(withoutDurations(one.report)).toEqual(withoutDurations(other.report));
        expect(Object.keys(JSON.parse(one.value ?? '') as object)).toEqual(namesOf(spec));
      }),
      { numRuns: 500 },
    );
  });
});

/** Runs the composite, moving time from event to event until nothing is left to happen. */
function run(spec: CompositeSpec): Outcome {
  const asked: string[] = [];
  const declare = ({ parts }: StageSpec, values: object): Parts =>
    Object.fromEntries(parts.map((part) => [part.name, partOf(part, JSON.stringify(values), asked)]));
  const [first, ...others] = spec.stages;
  let composite: Observable<object> = aggregate(first === undefined ? {} : declare(first, {}), {
    deadline: spec.deadline,
  });
  for (const stage of others) {
    const declared = (values: object): Parts => declare(stage, values);
    composite = composite.pipe(
      stage.needs === undefined ? thenAlso(declared) : thenAlso(stage.needs as never[], declared),
    );
  }
  const watched = watch(composite.pipe(withReport()));
  jest.runAllTimers();

  const [answer] = watched.values;
  if (answer !== undefined)
    return { value: JSON.stringify(answer.value), report: answer.report, asked: asked.sort() };
  expect(watched.error).toBeInstanceOf(PartFailedError);
  const { part, reason } = watched.error as PartFailedError;
  return { failed: { part, reason }, asked: asked.sort() };
}

function partOf(spec: PartSpec, got: string, asked: string[]): Part<unknown> {
  const { name, latency } = spec;
  if (spec.kind === 'skipped') return skipped(valueOf(spec, got));
  const source = new Observable<string>((subscriber) => {
    asked.push(name);
    const end = (): void => {
      if (spec.fails) subscriber.error(new BulkheadFullError());
      else {
        subscriber.next(valueOf(spec, got));
        subscriber.complete();
      }
    };
    if (latency === 0) end();
    else if (latency !== Infinity) {
      const timer = setTimeout(end, latency);
      return () => {
        clearTimeout(timer);
      };
    }
    return undefined;
  });
  const options = spec.within === undefined ? {} : { within: spec.within };
  return spec.kind === 'required'
    ? required(source, options)
    : optional(source, { ...options, fallback: fallbackOf(name) });
}

/** What a part answers holds what it was given, so that the bytes show what was handed on. */
function valueOf({ name }: PartSpec, got: string): string {
  return `${name} of ${got}`;
}

function fallbackOf(name: string): string {
  return `no ${name}`;
}

interface Ended {
  readonly at: number;
  readonly value: unknown;
  readonly report: PartReport;
  readonly asked: boolean;
}

/** The definition: each part starts when the last of what it needs has ended, and ends as its own line says. */
function evaluate({ stages, deadline }: CompositeSpec): Outcome {
  const endsAt = deadline - RESERVE_MS;
  const ended = new Map<string, Ended>();
  let declaredAt = 0;
  for (const [index, { needs, parts }] of stages.entries()) {
    const needed = index === 0 ? [] : (needs ?? [...ended.keys()]);
    const ends = needed.map((name) => ended.get(name)?.at ?? NaN);
    const startsAt = Math.max(index > 0 && needs === undefined ? declaredAt : 0, ...ends);
    declaredAt = Math.max(declaredAt, startsAt);
    const got = JSON.stringify(Object.fromEntries(needed.map((name) => [name, ended.get(name)?.value])));
    for (const part of parts) ended.set(part.name, endOf(part, startsAt, endsAt, got));
  }

  const all = [...ended.values()];
  const [failure] = all.filter(({ report }) => report.state === 'failed').sort((a, b) => a.at - b.at);
  const failedAt = failure?.at ?? Infinity;
  const asked = all
    // What would have started when the composite failed needed what failed.
    .filter((each) => each.asked && each.at - each.report.durationMs < failedAt)
    .map(({ report }) => report.part)
    .sort();
  if (failure !== undefined) {
    const { part, reason } = failure.report;
    return { failed: { part, reason: reason ?? '' }, asked };
  }
  const value = Object.fromEntries([...ended].map(([name, each]) => [name, each.value]));
  const reports = all.map(({ report }) => report);
  const complete = reports.every(({ state }) => state === 'ok' || state === 'skipped');
  return { value: JSON.stringify(value), report: { complete, parts: reports }, asked };
}

function endOf(spec: PartSpec, startsAt: number, endsAt: number, got: string): Ended {
  const { name, kind, latency, fails, within = Infinity } = spec;
  const asked = kind !== 'skipped' && startsAt < endsAt;
  const at =
    kind === 'skipped'
      ? startsAt
      : Math.min(startsAt + latency, startsAt + within, Math.max(startsAt, endsAt));
  const answered = startsAt + latency === at && asked;
  const ending = { part: name, durationMs: at - startsAt, startedAtMs: startsAt };
  if (kind === 'skipped') {
    return {
      at,
      asked,
      value: valueOf(spec, got),
      report: { ...ending, state: 'skipped', reason: undefined },
    };
  }
  if (answered && !fails) {
    return { at, asked, value: valueOf(spec, got), report: { ...ending, state: 'ok', reason: undefined } };
  }
  const lack = asked && startsAt + within === at ? 'timeout' : 'deadline';
  const reason = answered ? 'full' : lack;
  const state = kind === 'required' ? 'failed' : 'fallback';
  return { at, asked, value: fallbackOf(name), report: { ...ending, state, reason } };
}

function compositeSpecs(): fc.Arbitrary<CompositeSpec> {
  return fc
    .record({
      sizes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }),
      draws: fc.array(
        fc.record({
          kind: fc.constantFrom('required', 'optional', 'optional', 'skipped'),
          units: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8 }), fc.constant(Infinity)),
          fails: fc.boolean(),
          withinUnits: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
        }),
        { minLength: MAX_PARTS, maxLength: MAX_PARTS },
      ),
      needs: fc.array(fc.option(fc.array(fc.nat({ max: MAX_PARTS }), { maxLength: 3 }), { nil: undefined }), {
        minLength: 5,
        maxLength: 5,
      }),
      deadlineUnits: fc.integer({ min: 1, max: 24 }),
    })
    .map(({ sizes, draws, needs, deadlineUnits }) => {
      const stages: StageSpec[] = [];
      const names: string[] = [];
      for (const [index, size] of sizes.entries()) {
        const parts = draws.slice(names.length, names.length + size).map((draw, offset) => {
          const bit = names.length + offset;
          const { kind, units, fails, withinUnits } = draw;
          return {
            name: `part${String.fromCharCode(122 - bit)}`,
            kind,
            latency: units === 0 || units === Infinity ? units : units * UNIT + 2 ** bit,
            // Two that fail at once would tie.
            fails: fails && !(kind === 'required' && units === 0),
            within: withinUnits === undefined ? undefined : withinUnits * UNIT + 2 ** (MAX_PARTS + bit),
          };
        });
        const wanted = needs[index]?.flatMap((at) => names[at] ?? []);
        stages.push({ needs: index === 0 ? [] : wanted && [...new Set(wanted)], parts });
        names.push(...parts.map(({ name }) => name));
      }
      return { stages, deadline: deadlineUnits * UNIT + RESERVE_MS };
    })
    .filter((spec) => !hasTie(spec));
}

/** Required parts that all wait for the deadline fail in one moment; which is named first is no matter. */
function hasTie({ stages, deadline }: CompositeSpec): boolean {
  const outcome = evaluate({ stages, deadline });
  if (outcome.failed?.reason !== 'deadline') return false;
  return stages.flatMap(({ parts }) => parts).filter(({ kind }) => kind === 'required').length > 1;
}

function cannotFail({ stages }: CompositeSpec): boolean {
  return stages.every(({ parts }) => parts.every(({ kind, fails }) => kind !== 'required' || !fails));
}

function latencies(): fc.Arbitrary<readonly number[]> {
  return fc.array(fc.nat({ max: 8 * UNIT }), { minLength: MAX_PARTS, maxLength: MAX_PARTS });
}

/** The same composite, with nothing in it that cuts a part short. */
function withLatencies({ stages }: CompositeSpec, [...latencies]: readonly number[]): CompositeSpec {
  const patient = (part: PartSpec): PartSpec => ({
    ...part,
    within: undefined,
    latency: latencies.pop() ?? 0,
  });
  return {
    stages: stages.map((stage) => ({ ...stage, parts: stage.parts.map(patient) })),
    deadline: 8 * UNIT * (MAX_PARTS + 1),
  };
}

function withoutDurations(report: CompositeReport | undefined): object | undefined {
  return (
    report && { ...report, parts: report.parts.map((part) => ({ ...part, durationMs: 0, startedAtMs: 0 })) }
  );
}

function namesOf({ stages }: CompositeSpec): string[] {
  return stages.flatMap(({ parts }) => parts.map(({ name }) => name));
}
