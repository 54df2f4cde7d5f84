/** What an item of a list join is found by. `7` and `'7'` are the same key: they make the same URL. */
export type JoinKey = string | number;

/** The text by which keys are compared; undefined for what is no key: null, an empty text, an object, a boolean. */
export function keyTextOf(key: unknown): string | undefined {
  if (typeof key === 'string') return key === '' ? undefined : key;
  return typeof key === 'number' && Number.isFinite(key) ? String(key) : undefined;
}

/** What a list join has found for its keys, whatever order the answers came in. */
export class JoinedItems<V, M = null> {
  constructor(
    /** Each key once, in order of first appearance, with those that were not asked for because they were too many. */
    readonly keys: readonly JoinKey[],
    private readonly values: ReadonlyMap<string, V>,
    /** What stands in for a value that is not there. */
    readonly missing: M,
    /** Why a key has no answer: the error of the first such key, in order of `keys`. Undefined if all have one. */
    readonly failure?: unknown,
  ) {}

  /** How many keys have a value. */
  get found(): number {
    return this.values.size;
  }

  has(key: unknown): boolean {
    return this.values.has(keyTextOf(key) ?? '');
  }

  /** The value of a key, or `missing`. What is no key at all may be asked for too. */
  get(key: unknown): V | M {
    const text = keyTextOf(key);
    if (text === undefined) return this.missing;
    const value = this.values.get(text);
    return value === undefined ? this.missing : value;
  }

  /** The values by key. The object has no prototype, so that no key (`__proto__`, `constructor`) means anything else. */
  toMap(): Record<string, V | M> {
    const map = Object.create(null) as Record<string, V | M>;
    for (const key of this.keys) map[String(key)] = this.get(key);
    return map;
  }

  /** The values in order of `keys`. */
  toList(): (V | M)[] {
    return this.keys.map((key) => this.get(key));
  }

  /** As JSON it is the map. */
  toJSON(): Record<string, V | M> {
    return this.toMap();
  }
}
