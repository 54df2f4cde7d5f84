import { type PartConfig } from './composite-config.js';
import { type Place } from './place.js';
import { suggestion } from './suggestion.js';

/** Keys that say how a part looks in the response. */
const SHAPING = ['pick', 'omit', 'rename', 'as', 'flatten', 'merge'] as const;

/** Reports `pick`, `omit`, `rename`, `as`, `flatten` and `hidden` that do not fit each other. */
export function checkShape(part: PartConfig, place: Place): void {
  checkPick(part, place);
  checkOmit(part, place);
  checkRename(part, place);
  checkAppearance(part, place);
}

function checkPick({ pick = [] }: PartConfig, place: Place): void {
  for (const [index, path] of pick.entries()) {
    const other = pick.find((other, at) => (other === path ? at < index : isBelow(path, other)));
    if (other !== undefined) {
      place.below('pick', index).unexpected(`each path once: ${other} is picked as a whole`);
    }
  }
}

function checkOmit({ pick, omit }: PartConfig, place: Place): void {
  for (const [index, path] of omit.entries()) {
    const at = place.below('omit', index);
    if (omit.indexOf(path) < index) at.unexpected('each path once');
    else if (pick?.some((picked) => picked === path || isBelow(picked, path)) === true) {
      at.unexpected('a path that is not picked: pick says that it stays');
    } else if (pick?.some((picked) => isBelow(path, picked)) === false) {
      at.unexpected('a path below one that is picked: the others go anyway');
    }
  }
}

function checkRename(part: PartConfig, place: Place): void {
  const renames = Object.entries(part.rename);
  for (const [index, [path, name]] of renames.entries()) {
    const at = place.below('rename', path);
    const stayExpected = expectedToStay(path, part);
    if (stayExpected !== undefined) {
      at.unexpectedKey(path, stayExpected);
      continue;
    }
    const target = sibling(path, name);
    const twice = renames.slice(0, index).find(([other, to]) => sibling(other, to) === target);
    const isPicked = part.pick?.includes(target) === true && target !== path;
    if (twice !== undefined) at.unexpected(`another name: ${twice[0]} is renamed to it as well`);
    else if (isPicked && !Object.hasOwn(part.rename, target)) {
      at.unexpected(`another name: ${target} is picked as well`);
    }
  }
}

/** What is expected instead of a renamed path that does not stay; undefined if it does. */
function expectedToStay(path: string, { pick, omit }: PartConfig): string | undefined {
  const gone = omit.find((omitted) => omitted === path || isBelow(path, omitted));
  if (gone !== undefined) return `a path that stays: ${gone} is omitted`;
  const stays = (picked: string): boolean =>
    picked === path || isBelow(path, picked) || isBelow(picked, path);
  return pick === undefined || pick.some(stays)
    ? undefined
    : `a path that is picked; ${suggestion(path, pick)}`;
}

function checkAppearance(part: PartConfig, place: Place): void {
  const { hidden, flatten, fallback, forEach } = part;
  const stitches = forEach?.collect.form === 'stitch';
  if (hidden) {
    for (const key of SHAPING.filter((key) => place.has(key))) {
      place
        .below(key)
        .unexpectedKey('it on a part that is hidden', 'one of the two: the response does not show it');
    }
    if (stitches)
      place.below('hidden').unexpectedKey('it next to stitch', 'one of the two: the items show its values');
    return;
  }
  for (const key of (['as', 'flatten', 'merge'] as const).filter((key) => stitches && place.has(key))) {
    place.below(key).unexpectedKey('it next to stitch', 'one of the two: the values stand in the items');
  }
  if (!flatten || stitches) return;
  if (place.has('as'))
    place.below('as').unexpectedKey('it next to flatten', 'one of the two: its keys stand in the root');
  if (forEach?.collect.form === 'list') {
    place
      .below('flatten')
      .unexpectedKey('it on a list', 'as: a list has no keys that could stand in the root');
  }
  if (fallback !== null && (typeof fallback !== 'object' || Array.isArray(fallback))) {
    place.below('fallback').unexpected('a group of keys or null: flatten puts its keys into the root');
  }
}

function isBelow(path: string, outer: string): boolean {
  return path.startsWith(`${outer}.`);
}

/** The path with another last segment. */
function sibling(path: string, name: string): string {
  return [...path.split('.').slice(0, -1), name].join('.');
}
