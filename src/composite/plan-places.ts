import { overlap } from './asked-fields.js';
import { type PartConfig } from './config/composite-config.js';
import { type Place } from './config/place.js';
import { type Expression } from './expression.js';
import { knownKeys } from './known-keys.js';
import { type ReadPart } from './part-reading.js';
import { Shape } from './shape.js';

/** Where a part stands in the response: below a place, or as keys of the root, undefined where they are not known. */
interface Standing {
  readonly part: ReadPart;
  readonly places: readonly (readonly string[])[] | undefined;
}

/** The key under which a report stands in the body. */
const REPORT = '_composite';

/**
 * Reports parts that write the same place of the response, unless the later one says how they merge; and those that say
 * it where there is nothing to merge with.
 *
 * @param isWhole whether these are all parts there are.
 */
export function reportCollisions(parts: readonly ReadPart[], isWhole: boolean): void {
  const shown = parts.filter(({ config }) => !config.hidden && config.forEach?.collect.form !== 'stitch');
  const standings = shown.map((part): Standing => ({ part, places: placesOf(part) }));
  for (const [index, later] of standings.entries()) {
    const { config, place } = later.part;
    if (later.places?.some(([key]) => key === REPORT) === true) {
      sayOfPlace(config, place, REPORT, 'another place: this one is kept for the part report');
    }
    const before = standings.slice(0, index);
    if (config.merge !== undefined) {
      if (isWhole && !before.some((other) => mayMeet(other, later))) {
        place
          .below('merge')
          .unexpectedKey('it where no earlier part stands', 'as: the place of an earlier part, or no merge');
      }
      continue;
    }
    const earlier = before.find((other) => collide(other, later));
    if (earlier !== undefined) reportCollision(earlier, later);
  }
}

function reportCollision(earlier: Standing, later: Standing): void {
  const { config, place } = later.part;
  const other = earlier.part.config.name;
  if (later.places === undefined || earlier.places === undefined) {
    const unknown = later.places === undefined ? 'its own keys' : `those of ${other}`;
    place
      .below('flatten')
      .unexpectedKey(
        `it next to ${other}, which is flattened too, while ${unknown} are not known`,
        'pick to name them, or merge to say what happens to keys of both',
      );
    return;
  }
  const both = later.places.find((own) => earlier.places?.some((path) => overlap(path, own)));
  const at = (both ?? []).join('.');
  const expected = config.flatten
    ? `other keys (pick, omit, rename), or merge to say what happens where the part ${other} stands already`
    : `a place of its own (as), or merge to say what happens where the part ${other} stands already`;
  sayOfPlace(config, place, `${at} a second time in the response`, expected);
}

/** Where the file says where a part stands: at its name, if nowhere else. */
function sayOfPlace({ flatten }: PartConfig, place: Place, found: string, expected: string): void {
  if (flatten) place.below('flatten').unexpectedKey(found, expected);
  else if (place.has('as')) place.below('as').unexpected(expected, found);
  else place.unexpectedKey(found, expected);
}

/** A place that is written at all costs is no collision with keys that are not known: it stays what it is. */
function collide(one: Standing, other: Standing): boolean {
  if (one.places === undefined || other.places === undefined) {
    return one.part.config.flatten && other.part.config.flatten;
  }
  return one.places.some((place) => other.places?.some((path) => overlap(place, path)) === true);
}

/** Whether there may be anything to merge. */
function mayMeet(one: Standing, other: Standing): boolean {
  return one.places === undefined || other.places === undefined || collide(one, other);
}

function placesOf({ config, select }: ReadPart): readonly (readonly string[])[] | undefined {
  if (!config.flatten) return [config.as];
  if (config.forEach !== undefined) return undefined;
  const known = Shape.of(config)?.keys ?? shapedKeys(config, ownKeys(config, select));
  return known?.map((key) => [key]);
}

/** The keys of the part's value, where its `select` or its `schema` names them. */
function ownKeys({ schema }: PartConfig, select: Expression | undefined): readonly string[] | undefined {
  if (select !== undefined) return knownKeys(select);
  const properties = typeof schema === 'object' ? schema['properties'] : undefined;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : undefined;
}

function shapedKeys(
  { omit, rename }: PartConfig,
  keys: readonly string[] | undefined,
): readonly string[] | undefined {
  return keys?.filter((key) => !omit.includes(key)).map((key) => rename[key] ?? key);
}
