import { BadRequestException } from '@nestjs/common';
import { nearestName } from '../upstream/config/nearest-name.js';
import { type AskedFields, type FieldPath, FIELDS_PARAM, overlap } from './asked-fields.js';
import { type CompositePlan } from './plan.js';
import { type Placing } from './placing.js';
import { type ResponseLayout } from './response-document.js';
import { stitchedPlace } from './stitched-place.js';
import { isWrite } from './write-order.js';

/** A plan that asks for some of a response only. */
export interface NarrowedPlan {
  readonly plan: CompositePlan;
  readonly layout: ResponseLayout;
}

/**
 * The part of a plan that these fields of its response take: the parts that write there, and what those need. The other
 * parts are not in it, the required ones neither; all that write are.
 *
 * @throws BadRequestException if the response can have no such field.
 */
export function narrowedPlan(
  plan: CompositePlan,
  layout: ResponseLayout,
  { paths }: AskedFields,
): NarrowedPlan {
  const unknown = paths.find((path) => !layout.placings.some((placing) => placing.mayShow(path)));
  if (unknown !== undefined) throw unknownField(unknown, layout.placings);
  const shown = new Set(layout.partsShowing(paths));
  const run = withNeeds([...shown, ...stitchesShowing(paths, plan, layout), ...writesOf(plan)], plan);
  const parts = plan.parts.filter(({ config }) => run.has(config.name));
  return { plan: { ...plan, parts }, layout: layout.narrowed(shown, paths) };
}

/** What is written is more than what is shown of it. */
function writesOf({ parts }: CompositePlan): readonly string[] {
  return parts.filter(({ config }) => isWrite(config)).map(({ config }) => config.name);
}

/** The joins that are stitched into something that stands at one of these paths. */
function stitchesShowing(
  paths: readonly FieldPath[],
  { parts }: CompositePlan,
  { placings }: ResponseLayout,
): readonly string[] {
  const configs = parts.map(({ config }) => config);
  return configs
    .filter((config) => {
      const place = stitchedPlace(config, configs, placings);
      return place !== undefined && paths.some((path) => overlap(path, place));
    })
    .map(({ name }) => name);
}

/** These parts and all they wait for. */
function withNeeds(names: Iterable<string>, { parts }: CompositePlan): ReadonlySet<string> {
  const byName = new Map(parts.map((part) => [part.config.name, part]));
  const all = new Set(names);
  // Grows while it is walked.
  for (const name of all) {
    const { needs = [], needsIfStrict = [] } = byName.get(name) ?? {};
    for (const needed of [...needs, ...needsIfStrict]) all.add(needed);
  }
  return all;
}

function unknownField(path: FieldPath, placings: readonly Placing[]): BadRequestException {
  const places = placings.flatMap(({ place, flatKeys = [] }) => [place, ...flatKeys.map((key) => [key])]);
  const valid = (length: number): string[] => {
    const above = path.slice(0, length - 1);
    const siblings = places.filter(
      (place) => place.length >= length && above.every((key, at) => place[at] === key),
    );
    return [...new Set(siblings.map((place) => place.slice(0, length).join('.')))];
  };
  // The first of its keys that leads nowhere.
  const depth = path.findIndex((_, at) => !valid(at + 1).includes(path.slice(0, at + 1).join('.'))) + 1;
  const candidates = valid(depth);
  const nearest = nearestName(path.slice(0, depth).join('.'), candidates);
  const hint = nearest === undefined ? '' : `Did you mean ${nearest}? `;
  return new BadRequestException(
    `The parameter '${FIELDS_PARAM}' names '${path.join('.')}', which the response does not have. ${hint}` +
      `Valid here: ${candidates.join(', ')}.`,
  );
}
