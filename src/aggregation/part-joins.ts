/** How many items of list joins there are values for. */
export interface ItemCount {
  /** Keys with a value. What the upstream does not have is not among them, though asking for it has not failed. */
  readonly done: number;
  /** Distinct keys, with those beyond `maxItems`. */
  readonly of: number;
}

/** A list join that runs, or has run, as a part of a composite sees it. */
export interface RunningJoin {
  readonly found: number;
  readonly total: number;
  /** Whether any call has been answered. */
  readonly isAnswered: boolean;
  /** The error of the first key that could not be had, in order of the keys; undefined if there is none. */
  readonly failure: unknown;
  /** Ends it with what has landed; for all other keys this is why they are not there. */
  cut(error: unknown): void;
}

/** The list joins that the value of one part is made of; nearly always one. */
export class PartJoins {
  private readonly joins = new Map<object, RunningJoin>();

  /** A join that is asked again, by `retry()` say, takes its own place. */
  set(source: object, join: RunningJoin): void {
    this.joins.set(source, join);
  }

  get failure(): unknown {
    for (const { failure } of this.joins.values()) if (failure !== undefined) return failure;
    return undefined;
  }

  get isAnswered(): boolean {
    for (const { isAnswered } of this.joins.values()) if (isAnswered) return true;
    return false;
  }

  /** Undefined where there was nothing to ask for. */
  get items(): ItemCount | undefined {
    let done = 0;
    let of = 0;
    for (const { found, total } of this.joins.values()) {
      done += found;
      of += total;
    }
    return of === 0 ? undefined : { done, of };
  }

  cut(error: unknown): void {
    for (const join of this.joins.values()) join.cut(error);
  }
}
