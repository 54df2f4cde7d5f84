import { type FieldPath } from './asked-fields.js';
import { type PartConfig } from './config/composite-config.js';
import { type JsonObject } from './json-object.js';
import { Placing } from './placing.js';
import { Shape } from './shape.js';

/** What a part of the response is made of. */
interface Step {
  readonly placing: Placing;
  /** One that is not asked for still makes room for others. */
  readonly isShown: boolean;
}

/**
 * Where the values of a plan's parts stand in its response: in declared order, whatever order they arrive in, so that
 * equal values make equal bytes. Worked out once, when the plan is.
 */
export class ResponseLayout {
  static of(parts: readonly PartConfig[]): ResponseLayout {
    const placed = parts.filter(hasPlace);
    const steps = placed.map((part) => ({ placing: new Placing(part, placed), isShown: true }));
    const isPlain = placed.length === parts.length && steps.every(({ placing }) => placing.isPlain);
    return new ResponseLayout(steps, undefined, isPlain);
  }

  private constructor(
    private readonly steps: readonly Step[],
    /** What the client asked for; undefined for everything. */
    private readonly asked: Shape | undefined,
    /** Whether each value stands below its own part's name, and nothing is left out. */
    private readonly isPlain: boolean,
  ) {}

  /** Where each part that the response shows stands, in declared order. */
  get placings(): readonly Placing[] {
    return this.steps.map(({ placing }) => placing);
  }

  /** The parts of which something may stand at one of these paths. */
  partsShowing(paths: readonly FieldPath[]): readonly string[] {
    return this.placings
      .filter((placing) => paths.some((path) => placing.mayShow(path)))
      .map(({ part }) => part);
  }

  /** The same for these paths only; `shown` are the parts of which something may stand there. */
  narrowed(shown: ReadonlySet<string>, paths: readonly FieldPath[]): ResponseLayout {
    const steps = this.steps.map(({ placing }) => ({ placing, isShown: shown.has(placing.part) }));
    return new ResponseLayout(steps, Shape.picking(paths), false);
  }

  /**
   * The response. The values stay as they are, and may be shared with it.
   *
   * @param values by part, in declared order.
   */
  document(values: JsonObject): JsonObject {
    // They stand in declared order already.
    if (this.isPlain) return values;
    const document: Record<string, unknown> = {};
    for (const { placing, isShown } of this.steps) {
      if (isShown) placing.put(placing.shaped(values[placing.part]), document);
      else placing.makeRoom(document);
    }
    return this.onlyAsked(document);
  }

  /** A response that grows with every part that lands. */
  growing(): GrowingDocument {
    return new GrowingDocument(this.steps, (document) => this.onlyAsked(document));
  }

  private onlyAsked(document: JsonObject): JsonObject {
    return this.asked === undefined ? document : (this.asked.apply(document) as JsonObject);
  }
}

/** A response on its way: the parts that have landed so far, in whatever order, each at its place. */
export class GrowingDocument {
  private readonly landed = new Map<Placing, unknown>();

  constructor(
    private readonly steps: readonly Step[],
    private readonly onlyAsked: (document: JsonObject) => JsonObject,
  ) {}

  /**
   * Takes the value of a part, once or again.
   *
   * @returns the keys of the response's root that it has changed, with all that stands below them now: assigned to what
   * came before, in the order of the calls, they end up as the whole response.
   */
  land(part: string, value: unknown): JsonObject {
    const step = this.steps.find(({ placing, isShown }) => isShown && placing.part === part);
    if (step === undefined) return {};
    const { placing } = step;
    const shaped = placing.shaped(value);
    this.landed.set(placing, shaped);
    const document = this.current();
    const changed = placing.keysOf(shaped).map((key) => [key, document[key]] as const);
    return this.onlyAsked(Object.fromEntries(changed));
  }

  private current(): JsonObject {
    const document: Record<string, unknown> = {};
    for (const { placing, isShown } of this.steps) {
      if (!isShown) placing.makeRoom(document);
      else if (this.landed.has(placing)) placing.put(this.landed.get(placing), document);
    }
    return document;
  }
}

/** Whether a part has a place of its own in the response. */
function hasPlace({ hidden, forEach }: PartConfig): boolean {
  return !hidden && forEach?.collect.form !== 'stitch';
}
