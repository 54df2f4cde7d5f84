import { BadRequestException } from '@nestjs/common';
import { nearestName } from '../upstream/config/nearest-name.js';
import {
  type AskedFields,
  type FieldPath,
  FIELDS_PARAM,
  MAX_NAME_LENGTH,
  overlap,
  quoted,
} from './asked-fields.js';
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
 * parts are not in it, the required ones neither; all that write are, and all guards: who asks for less is not let past
 * what decides whether there is anything.
 *
 * @throws BadRequestException if the response can have no such field.
 */
export function narrowedPlan(
  plan: CompositePlan,
  layout: ResponseLayout,
  { paths }: AskedFields,
): NarrowedPlan {
  const unknown = paths.find((path) => !isThere(path, layout.placings));
  if (unknown !== undefined) throw unknownField(unknown, layout.placings);
  const shown = new Set(layout.partsShowing(paths));
  const run = withNeeds([...shown, ...stitchesShowing(paths, plan, layout), ...alwaysRun(plan)], plan);
  const parts = plan.parts.filter(({ config }) => run.has(config.name));
  return { plan: { ...plan, parts }, layout: layout.narrowed(shown, paths) };
}

/** Guards, and writes: what is written is more than what is shown of it. */
function alwaysRun({ parts }: CompositePlan): readonly string[] {
  return parts.filter(({ config, isGuard }) => isGuard || isWrite(config)).map(({ config }) => config.name);
}

/** The joins that are stitched into something that stands at one of these paths. */
function stitchesShowing(
  paths: readonly FieldPath[],
  { parts }: CompositePlan,
  { placings }: ResponseLayout,
): readonly string[] {
  return parts
    .filter((part) => {
      const place = stitchedPlace(part, parts, placings);
      return place !== undefined && paths.some((path) => overlap(path, place));
    })
    .map(({ config }) => config.name);
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
  // The first of its keys that leads nowhere.
  const depth = path.findIndex((_, at) => !isThere(path.slice(0, at + 1), placings));
  const above = path.slice(0, depth);
  const keys = [...new Set(placings.flatMap((placing) => placing.keysBelow(above)))];
  const full = (key: string): string => [...above, key].join('.');
  const key = path[depth] ?? '';
  const nearest = key.length > MAX_NAME_LENGTH ? undefined : nearestName(key, keys);
  const hint = nearest === undefined ? '' : `Did you mean ${full(nearest)}? `;
  const valid = [...(above.length === 0 ? [] : [above.join('.')]), ...keys.map(full)];
  return new BadRequestException(
    `The parameter '${FIELDS_PARAM}' names ${quoted(path.join('.'))}, which the response does not have. ${hint}` +
      `Valid here: ${valid.join(', ')}.`,
  );
}

function isThere(path: FieldPath, placings: readonly Placing[]): boolean {
  return placings.some((placing) => placing.mayShow(path));
}
