import fc from 'fast-check';
import { type Observable, Subject } from 'rxjs';
import { VERDICTS } from '../resilience/verdict.js';
import { UpstreamError } from '../upstream/upstream-error.js';
import { joinEach } from './join-each.js';
import { type JoinedItems } from './joined-items.js';
import { watch } from './testing/watched.js';

/** What the upstream does for a key. `fails` fails the whole batch it is asked for in. */
type Fate = 'has' | 'lacks' | 'fails';

interface JoinSpec {
  /** Keys of the items; null, {} and '' are none. */
  readonly items: readonly unknown[];
  /** By text of the key; one that is not in here is there. */
  readonly fates: ReadonlyMap<string, Fate>;
  /** Undefined for one call an item. */
  readonly batchSize: number | undefined;
  readonly concurrency: number;
  readonly maxItems: number;
  /** Whether batches answer an object by key. */
  readonly byKey: boolean;
}

interface Outcome {
  readonly keys: readonly unknown[];
  readonly values: readonly unknown[];
  readonly found: number;
  /** The key, or the reason, of the failure; undefined for none. */
  readonly failure: unknown;
  readonly calls: readonly (readonly unknown[])[];
}

const MISSING = 'missing';

const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c', 'd', '1', '2', '__proto__', 'toString') },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, '', {}, true, []) },
);

const joinSpec: fc.Arbitrary<JoinSpec> = fc.record({
  items: fc.array(key, { maxLength: 16 }),
  fates: fc
    .array(fc.tuple(key, fc.constantFrom<Fate>('has', 'has', 'lacks', 'fails')), { maxLength: 8 })
    .map((entries) => new Map(entries.map(([key, fate]) => [String(key), fate]))),
  batchSize: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  concurrency: fc.integer({ min: 1, max: 5 }),
  maxItems: fc.integer({ min: 1, max: 12 }),
  byKey: fc.boolean(),
});

/** Which of the calls that wait ends next. */
const order = fc.infiniteStream(fc.nat());

describe('any list join', () => {
  it('answers what a slow and simple evaluator works out for it, in whatever order its calls end', () => {
    fc.assert(
      fc.property(joinSpec, order, (spec, order) => {
        expect(run(spec, order)).toEqual(evaluate(spec));
      }),
      { numRuns: 1000 },
    );
  });

  it('has as many calls under way as it may, as long as there are keys to ask for', () => {
    fc.assert(
      fc.property(joinSpec, order, (spec, order) => {
        const calls = evaluate(spec).calls.length;
        run(spec, order, (ended, waiting) => {
          expect(waiting).toBe(Math.min(spec.concurrency, calls - ended));
        });
      }),
    );
  });
});

/** Runs the join, ending one call after another until none is left. */
function run(
  { items, fates, batchSize, byKey, ...options }: JoinSpec,
  order: Iterator<number>,
  beforeEach: (ended: number, waiting: number) => void = () => undefined,
): Outcome {
  const calls: (readonly unknown[])[] = [];
  const waiting: (() => void)[] = [];
  const ask = (keys: readonly unknown[], answer: () => unknown): Observable<unknown> => {
    calls.push(keys);
    const subject = new Subject<unknown>();
    const failing = keys.map(String).find((key) => fates.get(key) === 'fails');
    waiting.push(() => {
      if (failing !== undefined) {
        subject.error(failed(500, failing));
      } else if (batchSize === undefined && fates.get(String(keys[0])) === 'lacks') {
        subject.error(failed(404, String(keys[0])));
      } else {
        subject.next(answer());
        subject.complete();
      }
    });
    return subject;
  };
  const elements = (keys: readonly unknown[]): { key: unknown }[] =>
    keys.filter((key) => fates.get(String(key)) !== 'lacks').map((key) => ({ key: String(key) }));
  const common = { ...options, missing: MISSING };
  const source = joinEach<unknown, unknown, string>(
    items,
    batchSize === undefined
      ? { ...common, call: (key) => ask([key], () => ({ key: String(key) })) }
      : {
          ...common,
          batch: {
            size: batchSize,
            call: (keys) =>
              ask(keys, () => answerOf(elements(keys), byKey)) as Observable<readonly unknown[]>,
            key: (element) => (element as { key: unknown }).key,
          },
        },
  );
  const watched = watch<JoinedItems<unknown, string>>(source);
  for (let ended = 0; waiting.length > 0; ended++) {
    beforeEach(ended, waiting.length);
    const at = (order.next().value as number) % waiting.length;
    waiting.splice(at, 1)[0]?.();
  }
  const [joined] = watched.values;
  if (joined === undefined) throw new Error('it did not answer');
  const { failure } = joined;
  return {
    keys: joined.keys,
    values: joined.toList(),
    found: joined.found,
    failure:
      failure instanceof UpstreamError
        ? failure.upstream
        : (failure as { reason?: string } | undefined)?.reason,
    calls,
  };
}

/** In the order that is the least convenient, with a stranger and a twin among them. */
function answerOf(elements: readonly { readonly key: unknown }[], byKey: boolean): unknown {
  if (byKey) return Object.fromEntries(elements.map((element) => [String(element.key), element]));
  const twins = elements.map(({ key }) => ({ key, twin: true }));
  return [...[...elements].reverse(), ...twins, { key: 'stranger' }, null];
}

/** Names the key it is about: only a failure that is passed on as it is shows it. */
function failed(status: number, key: string): UpstreamError {
  return new UpstreamError({ upstream: key, reason: 'status', verdict: VERDICTS.neutral, status });
}

/** The same, one key after another. */
function evaluate({ items, fates, batchSize = 1, maxItems }: JoinSpec): Outcome {
  const keys = items.filter(
    (key, at) =>
      (typeof key === 'number' || (typeof key === 'string' && key !== '')) &&
      items.findIndex((other) => String(other) === String(key) && typeof other !== 'object') === at,
  );
  const asked = keys.slice(0, maxItems);
  const calls: unknown[][] = [];
  for (let at = 0; at < asked.length; at += batchSize) calls.push(asked.slice(at, at + batchSize));
  const failing = (call: readonly unknown[]) => call.map(String).find((key) => fates.get(key) === 'fails');
  const lost = calls.find((call) => failing(call) !== undefined);
  const values = keys.map((key) => {
    const call = calls.find((call) => call.includes(key));
    const isThere = call !== undefined && failing(call) === undefined && fates.get(String(key)) !== 'lacks';
    return isThere ? { key: String(key) } : MISSING;
  });
  const tooMany = keys.length > maxItems ? 'too-large' : undefined;
  return {
    keys,
    values,
    found: values.filter((value) => value !== MISSING).length,
    failure: lost === undefined ? tooMany : failing(lost),
    calls,
  };
}
