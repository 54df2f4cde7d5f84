import { type Merge, type RandomPart, type RandomPlan, type Selection } from './random-plan.js';

/** How a part ends, as the definition has it. */
export interface ReferencePart {
  /** `never`: something it needs failed, so that it does not begin. */
  readonly state: 'ok' | 'fallback' | 'skipped' | 'failed' | 'never';
  readonly reason: string | undefined;
  /** What it asks for; undefined if it asks for nothing. */
  readonly url: string | undefined;
  /** What other parts see. */
  readonly value: unknown;
}

export interface ReferenceOutcome {
  /** The parts that are run. */
  readonly parts: ReadonlyMap<string, ReferencePart>;
  /** What is answered, unless a part has failed. */
  readonly document: unknown;
}

/**
 * What a plan means, worked out as slowly and plainly as can be: each part waits for those it refers to, and the document
 * is put together from the file's first part to its last. No graph, no compiling, no sharing.
 */
export async function referenceOutcome(plan: RandomPlan): Promise<ReferenceOutcome> {
  const endings = new Map<string, Promise<ReferencePart>>();
  const endingOf = (name: string): Promise<ReferencePart> => {
    const known = endings.get(name) ?? ending(partNamed(plan, name), endingOf);
    endings.set(name, known);
    return known;
  };
  const all = new Map<string, ReferencePart>();
  for (const { name } of plan.parts) all.set(name, await endingOf(name));

  const run = partsToRun(plan);
  const whole = documentOf(plan.parts, all);
  return {
    parts: new Map([...all].filter(([name]) => run.has(name))),
    document: plan.fields === undefined ? whole : kept(whole, [], pathsOf(plan.fields)),
  };
}

async function ending(
  part: RandomPart,
  endingOf: (name: string) => Promise<ReferencePart>,
): Promise<ReferencePart> {
  const needed = new Map<string, ReferencePart>();
  for (const { to } of part.references) needed.set(to, await endingOf(to));
  const fieldOfNeeded = (name: string, key: string): unknown => field(needed.get(name)?.value, key);
  const fallsBack = (reason: string, url?: string): ReferencePart => {
    return part.required
      ? { state: 'failed', reason, url, value: undefined }
      : { state: 'fallback', reason, url, value: part.fallback };
  };

  if ([...needed.values()].some(({ state }) => state === 'failed' || state === 'never')) {
    return { state: 'never', reason: undefined, url: undefined, value: undefined };
  }
  for (const { to, as } of part.references) {
    const n = fieldOfNeeded(to, 'n');
    const holds =
      (as !== 'when-flag' || isTrue(fieldOfNeeded(to, 'flag'))) &&
      (as !== 'when-more' || (typeof n === 'number' && n > 1));
    const instead = part.required ? null : part.fallback;
    if (!holds) return { state: 'skipped', reason: undefined, url: undefined, value: instead };
  }

  let path = `/${part.name}`;
  const query: string[] = [];
  for (const { to, as } of part.references) {
    const id = keyText(fieldOfNeeded(to, 'id'));
    // What a part has not got is not left out of a query either: that would ask for everything.
    if (id === undefined && (as === 'path' || as === 'query')) return fallsBack('invalid');
    if (as === 'path') path += `/${encodeURIComponent(id ?? '')}`;
    if (as === 'query') query.push(`${to}=${encodeURIComponent(id ?? '')}`);
  }
  const url = query.length === 0 ? path : `${path}?${query.join('&')}`;
  if ('fails' in part.behaviour) return fallsBack(part.behaviour.fails, url);
  const value = selected(part.behaviour.answer, part.select);
  const isFlattenable = typeof value === 'object' && !Array.isArray(value);
  if (part.place === 'flat' && !isFlattenable) return fallsBack('invalid', url);
  return { state: 'ok', reason: undefined, url, value };
}

/** All parts; or, where only some fields are asked for, those that may stand there, and all that these refer to. */
function partsToRun(plan: RandomPlan): ReadonlySet<string> {
  const { parts, fields } = plan;
  if (fields === undefined) return new Set(parts.map(({ name }) => name));
  const run = new Set<string>();
  const add = (name: string): void => {
    run.add(name);
    for (const { to } of partNamed(plan, name).references) add(to);
  };
  for (const part of parts) {
    // What is required and not shown is there to fail: a guard.
    const isGuard = part.required && part.place === 'hidden';
    if (isGuard || pathsOf(fields).some((path) => mayStandAt(part, path, parts))) add(part.name);
  }
  return run;
}

function mayStandAt(part: RandomPart, path: Path, parts: readonly RandomPart[]): boolean {
  if (part.place === 'hidden') return false;
  if (part.place !== 'flat')
    return isPrefix(part.place.as.split('.'), path) || isPrefix(path, part.place.as.split('.'));
  const [key = ''] = path;
  if (isTakenByAnother(key, part, parts)) return false;
  if (part.pick === undefined) {
    const isGiven = Object.entries(part.rename).some(([from, name]) => name === key && !from.includes('.'));
    return isGiven || !(part.omit.includes(key) || key in part.rename);
  }
  const names = part.pick
    .map((picked) => picked.split('.'))
    .filter(([first = '']) => !part.omit.includes(first))
    .map(([first = '']) => part.rename[first] ?? first);
  // What is left out below the root leaves the key; what is left out of all that was picked there, too.
  return names.includes(key);
}

/** The response, from its first part to its last. */
function documentOf(parts: readonly RandomPart[], endings: ReadonlyMap<string, ReferencePart>): unknown {
  const root: Group = {};
  for (const part of parts) {
    if (part.place === 'hidden') continue;
    const value = presented(endings.get(part.name)?.value ?? null, part);
    if (part.place !== 'flat') write(root, part.place.as.split('.'), value, part.merge);
    else if (isGroup(value)) {
      for (const [key, item] of Object.entries(value)) {
        if (!isTakenByAnother(key, part, parts)) write(root, [key], item, part.merge);
      }
    }
  }
  return root;
}

/** A flattened part does not touch the declared places of others, unless the later of the two says how to merge. */
function isTakenByAnother(key: string, part: RandomPart, parts: readonly RandomPart[]): boolean {
  return parts.some((other, at) => {
    if (typeof other.place === 'string' || other.place.as.split('.')[0] !== key) return false;
    const later = at < parts.indexOf(part) ? part : other;
    return later.merge === undefined;
  });
}

function write(group: Group, [key = '', ...below]: Path, value: unknown, merge: Merge | undefined): void {
  const there = group[key];
  if (below.length === 0) group[key] = there === undefined ? value : mergedReference(there, value, merge);
  else if (there === undefined || there === null) {
    group[key] = {};
    write(group[key] as Group, below, value, merge);
  } else if (isGroup(there)) write(there, below, value, merge);
}

function mergedReference(earlier: unknown, later: unknown, merge: Merge | undefined): unknown {
  if (later === null || earlier === null) return later ?? earlier;
  if (merge === 'deep' && isGroup(earlier) && isGroup(later)) {
    const keys = [...new Set([...Object.keys(earlier), ...Object.keys(later)])];
    return Object.fromEntries(
      keys.map((key) => {
        const both = key in earlier && key in later;
        return [
          key,
          both ? mergedReference(earlier[key], later[key], 'deep') : (later[key] ?? earlier[key] ?? null),
        ];
      }),
    );
  }
  if (merge === 'concat' && Array.isArray(earlier) && Array.isArray(later)) return earlier.concat(later);
  if (typeof merge === 'object' && Array.isArray(earlier) && Array.isArray(later)) {
    const items: unknown[] = [...(earlier as unknown[])];
    for (const item of later as unknown[]) {
      const key = keyText(field(item, merge.byKey));
      const at = items.findIndex((other) => key !== undefined && keyText(field(other, merge.byKey)) === key);
      if (at < 0) items.push(item);
      else items[at] = mergedReference(items[at], item, 'deep');
    }
    return items;
  }
  return later;
}

/** Cut to size for the response: three walks, one behind the other. */
function presented(value: unknown, { pick, omit, rename }: RandomPart): unknown {
  const copy = structuredClone(value);
  const picked = pick === undefined ? copy : kept(copy, [], pathsOf(pick));
  return renamed(without(picked, [], pathsOf(omit)), [], rename);
}

function kept(value: unknown, at: Path, paths: readonly Path[]): unknown {
  if (value === null || paths.some((path) => isPrefix(path, at))) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => kept(item, at, paths) ?? null);
  if (!isGroup(value)) return at.length === 0 ? null : undefined;
  const entries = Object.entries(value)
    .filter(([key]) => paths.some((path) => isPrefix([...at, key], path) || isPrefix(path, [...at, key])))
    .map(([key, item]) => [key, kept(item, [...at, key], paths)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined));
}

function without(value: unknown, at: Path, paths: readonly Path[]): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => without(item, at, paths));
  if (!isGroup(value)) return value;
  const stays = (key: string): boolean => !paths.some((path) => path.join('.') === [...at, key].join('.'));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => stays(key))
      .map(([key, item]) => [key, without(item, [...at, key], paths)]),
  );
}

function renamed(value: unknown, at: Path, names: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => renamed(item, at, names));
  if (!isGroup(value)) return value;
  const newName = (key: string): string => names[[...at, key].join('.')] ?? key;
  const isDisplaced = (key: string): boolean =>
    newName(key) === key && Object.keys(value).some((other) => other !== key && newName(other) === key);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isDisplaced(key))
      .map(([key, item]) => [newName(key), renamed(item, [...at, key], names)]),
  );
}

/** What the JMESPath of a selection means. */
function selected(answer: unknown, select: Selection): unknown {
  switch (select) {
    case 'none':
      return answer;
    case 'inner':
    case 'list':
      return field(answer, select);
    case 'first': {
      const list = field(answer, 'list');
      return Array.isArray(list) ? ((list[0] as unknown) ?? null) : null;
    }
    case 'some':
      return { flag: field(answer, 'flag'), id: field(answer, 'id'), n: field(answer, 'n') };
    case 'nothing':
      return null;
  }
}

type Path = readonly string[];
type Group = Record<string, unknown>;

function partNamed({ parts }: RandomPlan, name: string): RandomPart {
  return parts.find((part) => part.name === name)!;
}

function pathsOf(written: readonly string[]): readonly Path[] {
  return written.map((path) => path.split('.'));
}

function isPrefix(start: Path, path: Path): boolean {
  return start.length <= path.length && start.every((key, at) => path[at] === key);
}

function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(value: unknown, key: string): unknown {
  return isGroup(value) ? (value[key] ?? null) : null;
}

/** The text of an id; undefined for what is none. */
function keyText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** False, null and what is empty are false to JMESPath. */
function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== null && value !== false && value !== '';
}
