import { type FieldPath } from './asked-fields.js';
import { type PartConfig } from './config/composite-config.js';
import { Expression } from './expression.js';
import { type Placing } from './placing.js';
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
  part: PartConfig,
  parts: readonly PartConfig[],
  placings: readonly Placing[],
): FieldPath | undefined {
  const { forEach } = part;
  if (forEach?.collect.form !== 'stitch') return undefined;
  const found = stitchHost(
    forEach,
    parts.map(({ name }) => name),
  );
  if ('expected' in found) return undefined;
  const host = parts.find(({ name }) => name === found.part);
  if (host === undefined) return undefined;
  const path = pathOfItems(forEach.items, found.part);
  const isKnown = found.fields !== undefined && path.isWhole;
  const below = isKnown ? [...path.keys, forEach.collect.field] : path.keys;

  const placing = placings.find((placing) => placing.part === host.name);
  if (placing !== undefined) return placing.placeOf(below);
  const outer = stitchedPlace(host, parts, placings);
  const shape = Shape.of(host);
  // What a join is the host of stands below its keys, and these the response does not have.
  const own = isKnown ? (shape === undefined ? below : shape.placeOf(below)) : [];
  return outer && own && [...outer, ...own];
}

interface PathOfItems {
  /** Without the lists on the way: these need no key. */
  readonly keys: readonly string[];
  /** Whether it leads to the items; otherwise to something they lie below. */
  readonly isWhole: boolean;
}

/** The longest path below a part that all its items lie at, or below. */
function pathOfItems(items: string, part: string): PathOfItems {
  const paths = new Expression(items).paths.filter(([root]) => root === part);
  const [first = []] = paths;
  const common = first.filter((_, at) =>
    paths.every((path) => first.slice(0, at + 1).every((key, index) => path[index] === key)),
  );
  const isWhole = paths.some(({ length }) => length === common.length);
  return { keys: common.slice(1).filter((key) => key !== '*'), isWhole };
}
