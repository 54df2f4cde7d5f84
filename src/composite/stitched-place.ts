import { type FieldPath } from './asked-fields.js';
import { type PartConfig } from './config/composite-config.js';
import { type Expression } from './expression.js';
import { type Placing } from './placing.js';
import { type PlannedPart } from './plan.js';
import { Shape } from './shape.js';
import { stitchHost } from './stitch-host.js';

/**
 * Where the values of a stitched join stand in the response: the path of the field they are stitched into, or, where its
 * items may be anywhere, a path that all of them lie below. Undefined for any other part, and where the response does not
 * show them.
 *
 * @param placings of the parts that have a place of their own.
 */
export function stitchedPlace(
  { config: { forEach }, join }: PlannedPart,
  parts: readonly PlannedPart[],
  placings: readonly Placing[],
): FieldPath | undefined {
  if (join === undefined || forEach?.collect.form !== 'stitch') return undefined;
  const names = parts.map(({ config }) => config.name);
  const found = stitchHost(join.items.tree, forEach.key, names);
  if ('expected' in found) return undefined;
  const host = parts.find(({ config }) => config.name === found.part);
  if (host === undefined) return undefined;
  const path = pathOfItems(join.items, found.part);
  const isKnown = found.fields !== undefined && path.isWhole;
  const below = isKnown ? [...path.keys, forEach.collect.field] : path.keys;

  const placing = placings.find((placing) => placing.part === host.config.name);
  if (placing !== undefined) return placing.placeOf(below);
  const outer = stitchedPlace(host, parts, placings);
  const shape = Shape.of(host.config);
  // What a join is the host of stands below its keys, and these the response does not have.
  const own = isKnown ? (shape === undefined ? below : shape.placeOf(below)) : [];
  return outer && own && [...outer, ...own];
}

/** Whether the host's own `pick` or `omit` drops the items, or the field they are given. */
export function isDropped(items: Expression, field: string, host: PartConfig): boolean {
  const path = pathOfItems(items, host.name);
  if (!path.isWhole || host.forEach !== undefined) return false;
  const shape = Shape.of(host);
  return shape !== undefined && shape.placeOf([...path.keys, field]) === undefined;
}

interface PathOfItems {
  /** Without the lists on the way: these need no key. */
  readonly keys: readonly string[];
  /** Whether it leads to the items; otherwise to something they lie below. */
  readonly isWhole: boolean;
}

/** The longest path below a part that all its items lie at, or below. */
function pathOfItems(items: Expression, part: string): PathOfItems {
  const paths = items.paths.filter(([root]) => root === part);
  const [first = []] = paths;
  const common = first.filter((_, at) =>
    paths.every((path) => first.slice(0, at + 1).every((key, index) => path[index] === key)),
  );
  const isWhole = paths.some(({ length }) => length === common.length);
  return { keys: common.slice(1).filter((key) => key !== '*'), isWhole };
}
