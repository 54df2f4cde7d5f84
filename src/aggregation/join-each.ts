import { Observable, type Observer, type Subscriber, Subscription } from 'rxjs';
import { RequestContext } from '../upstream/request-context.js';
import { JoinError } from './join-error.js';
import { JoinedItems, type JoinKey, keyTextOf } from './joined-items.js';
import { type RunningJoin } from './part-joins.js';
import { partFailureOf } from './part-failure.js';
import { PartRun } from './part-run.js';

interface CommonJoinOptions<I, M> {
  /** The key of an item. Default: the item itself. What is no key (null, an empty text, an object) is not asked for. */
  readonly key?: (item: I) => unknown;
  /** Calls at once. Default 8. */
  readonly concurrency?: number;
  /** Distinct keys that are asked for; those beyond it count as failed, with reason `too-large`. Default 200. */
  readonly maxItems?: number;
  /** Stands in for a value that is not there. Default null. */
  readonly missing?: M;
}

/** A list join with one call for each key. */
export interface JoinCallOptions<I, V, M = null> extends CommonJoinOptions<I, M> {
  /**
   * Asks for one key; `item` is the first one that has it. A 404 or a 410 says that the upstream does not have it, as
   * does an answer of null: neither is a failure.
   */
  readonly call: (key: JoinKey, item: I) => Observable<V>;
}

/** A list join with one call for several keys. */
export interface JoinBatchOptions<I, V, M = null> extends CommonJoinOptions<I, M> {
  readonly batch: JoinBatch<V>;
}

export interface JoinBatch<V> {
  /** Keys a call, at most. */
  readonly size: number;
  /**
   * Asks for some keys. Answers the elements as a list, in any order, or as an object that has them by key. Keys it
   * leaves out are missing, elements nobody asked for are ignored, and of two with the same key the first one counts.
   */
  readonly call: (keys: readonly JoinKey[]) => Observable<readonly V[] | Readonly<Record<string, V>>>;
  /** The key of an element of a list. */
  readonly key: (element: V) => unknown;
}

const DEFAULT_CONCURRENCY = 8;
const DEFAULT_MAX_ITEMS = 200;

/**
 * Asks for what belongs to the items of a list: once for each distinct key, or in batches through an endpoint that
 * takes several, so many calls at a time. Answers are matched by key, never by order.
 *
 * Emits {@link JoinedItems}, once. A call that fails leaves the others: its keys get `missing`, and `failure` says why.
 * The part of a composite that is made of it then falls back to what has landed (to its `fallback`, if nothing has and
 * one was given), or fails at once if it is required; the report counts the items. A part that runs out of time keeps what has landed.
 * An answer of a batch that is neither list nor object, or in which nothing has a key, fails it with reason `invalid`.
 *
 * Cold; leaving it cancels every call that runs. Its errors are what `key` throws.
 */
export function joinEach<I, V, M = null>(
  items: readonly I[],
  options: JoinCallOptions<I, V, M> | JoinBatchOptions<I, V, M>,
): Observable<JoinedItems<V, M>> {
  const { concurrency = DEFAULT_CONCURRENCY, maxItems = DEFAULT_MAX_ITEMS } = options;
  assertCount('concurrency', concurrency);
  assertCount('maxItems', maxItems);
  if ('batch' in options) assertCount('batch.size', options.batch.size);
  const source = new Observable<JoinedItems<V, M>>((subscriber) => {
    new JoinRun(source, items, { ...options, concurrency, maxItems }, subscriber).start();
  });
  return source;
}

function assertCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new RangeError(`'${name}' must be a whole number from 1 on, not ${value}`);
}

type SettledOptions<I, V, M> = (JoinCallOptions<I, V, M> | JoinBatchOptions<I, V, M>) & {
  readonly concurrency: number;
  readonly maxItems: number;
};

/** One subscription to a list join. Call `n` asks for the keys from `n * size` on. */
class JoinRun<I, V, M> implements RunningJoin {
  isAnswered = false;
  failure: unknown;
  private readonly context = RequestContext.current();
  /** The part it is run for, if it is one of a composite. */
  private readonly part = this.context.notes instanceof PartRun ? this.context.notes : undefined;
  private readonly keys: JoinKey[] = [];
  /** The first item of each key. */
  private readonly firsts: I[] = [];
  private readonly values = new Map<string, V>();
  private readonly running = new Subscription();
  private readonly open = new Set<number>();
  private nextCall = 0;
  private calls = 0;
  private failedAt = Infinity;
  private starting = false;
  private ended = false;

  constructor(
    private readonly source: object,
    private readonly items: readonly I[],
    private readonly options: SettledOptions<I, V, M>,
    private readonly subscriber: Subscriber<JoinedItems<V, M>>,
  ) {}

  get found(): number {
    return this.values.size;
  }

  get total(): number {
    return this.keys.length;
  }

  start(): void {
    const { options, subscriber, keys } = this;
    try {
      this.collectKeys();
    } catch (error) {
      subscriber.error(error);
      return;
    }
    subscriber.add(() => {
      this.ended = true;
      this.running.unsubscribe();
    });
    this.part?.joinStarted(this.source, this);
    this.calls = Math.ceil(Math.min(keys.length, options.maxItems) / this.size);
    if (keys.length > options.maxItems) {
      const detail = `${keys.length} items, of which ${options.maxItems} may be asked for`;
      this.fail(options.maxItems, new JoinError('too-large', detail));
    }
    this.startCalls();
  }

  cut(error: unknown): void {
    if (this.ended) return;
    this.running.unsubscribe();
    this.fail(Math.min(this.nextCall, ...this.open) * this.size, error);
    this.finish();
  }

  /** As many calls as may run at once; after the last one, the end. */
  startCalls(): void {
    // A call that answers at once leads back here.
    if (this.starting) return;
    this.starting = true;
    while (!this.ended && this.nextCall < this.calls && this.open.size < this.options.concurrency) {
      this.begin(this.nextCall++);
    }
    this.starting = false;
    if (this.open.size === 0) this.finish();
  }

  answered(call: number, answer: unknown): void {
    this.open.delete(call);
    const { options } = this;
    if ('batch' in options) this.keepElements(call, answer, options.batch);
    else {
      this.isAnswered = true;
      this.keep(String(this.keys[call]), answer as V);
    }
    this.context.run(startCalls, this);
  }

  failed(call: number, error: unknown): void {
    this.open.delete(call);
    if (!('batch' in this.options) && isAbsence(error)) this.isAnswered = true;
    else this.fail(call * this.size, error);
    this.context.run(startCalls, this);
  }

  private get size(): number {
    return 'batch' in this.options ? this.options.batch.size : 1;
  }

  private collectKeys(): void {
    const { items, options, keys, firsts } = this;
    const known = new Set<string>();
    for (const item of items) {
      const key = options.key === undefined ? item : options.key(item);
      const text = keyTextOf(key);
      if (text === undefined || known.has(text)) continue;
      known.add(text);
      keys.push(key as JoinKey);
      firsts.push(item);
    }
  }

  private begin(call: number): void {
    this.open.add(call);
    const answer = new CallObserver(call, this);
    let source: Observable<unknown>;
    try {
      source = this.request(call);
    } catch (error) {
      answer.error(error);
      return;
    }
    this.running.add(source.subscribe(answer));
  }

  private request(call: number): Observable<unknown> {
    const { options, firsts } = this;
    const keys = this.keysOf(call);
    if ('batch' in options) return options.batch.call(keys);
    const [key = ''] = keys;
    return options.call(key, firsts[call] as I);
  }

  private keysOf(call: number): JoinKey[] {
    const { size, options } = this;
    return this.keys.slice(call * size, Math.min((call + 1) * size, options.maxItems));
  }

  private keepElements(call: number, answer: unknown, { key }: JoinBatch<V>): void {
    let elements: ReadonlyMap<string, V>;
    try {
      elements = Array.isArray(answer)
        ? elementsByKey(answer as readonly V[], key)
        : propertiesByKey(answer, this.keysOf(call));
    } catch (error) {
      this.fail(call * this.size, error);
      return;
    }
    this.isAnswered = true;
    for (const asked of this.keysOf(call)) {
      const text = String(asked);
      this.keep(text, elements.get(text));
    }
  }

  private keep(key: string, value: V | null | undefined): void {
    if (value !== undefined && value !== null) this.values.set(key, value);
  }

  /** Something could not be had, from this key on. */
  private fail(key: number, error: unknown): void {
    if (key < this.failedAt) {
      this.failedAt = key;
      this.failure = error ?? new TypeError('a call failed without an error');
    }
    this.part?.itemFailed(error);
  }

  private finish(): void {
    if (this.ended) return;
    this.ended = true;
    const { missing = null } = this.options;
    const { keys, values, failure, subscriber } = this;
    subscriber.next(new JoinedItems(keys, values, missing as M, failure));
    subscriber.complete();
  }
}

/** Hears how one call ends. */
class CallObserver implements Observer<unknown> {
  private latest: unknown = undefined;

  constructor(
    private readonly call: number,
    private readonly join: Pick<JoinRun<unknown, unknown, unknown>, 'answered' | 'failed'>,
  ) {}

  next(value: unknown): void {
    this.latest = value;
  }

  error(error: unknown): void {
    this.join.failed(this.call, error);
  }

  complete(): void {
    this.join.answered(this.call, this.latest);
  }
}

/** What ended last may have answered in a context of its own; the next call is to start in the join's. */
function startCalls(join: { startCalls(): void }): void {
  join.startCalls();
}

/** Whether the upstream says that it does not have what it was asked for. */
function isAbsence(error: unknown): boolean {
  const status = partFailureOf(error)?.status;
  return status === 404 || status === 410;
}

/** @throws JoinError */
function elementsByKey<V>(elements: readonly V[], key: (element: V) => unknown): ReadonlyMap<string, V> {
  const byKey = new Map<string, V>();
  for (const element of elements) {
    const text = element === null || element === undefined ? undefined : keyTextOf(key(element));
    if (text !== undefined && !byKey.has(text)) byKey.set(text, element);
  }
  if (byKey.size === 0 && elements.length > 0) {
    throw new JoinError('invalid', 'no element of the answer of a batch has a key');
  }
  return byKey;
}

/** @throws JoinError */
function propertiesByKey<V>(answer: unknown, keys: readonly JoinKey[]): ReadonlyMap<string, V> {
  if (typeof answer !== 'object' || answer === null) {
    throw new JoinError('invalid', 'the answer of a batch is neither a list nor an object');
  }
  const byKey = new Map<string, V>();
  for (const key of keys) {
    const text = String(key);
    if (Object.hasOwn(answer, text)) byKey.set(text, (answer as Record<string, V>)[text] as V);
  }
  if (byKey.size === 0 && Object.keys(answer).length > 0) {
    throw new JoinError('invalid', 'the answer of a batch is an object that has none of the keys');
  }
  return byKey;
}
