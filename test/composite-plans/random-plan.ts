import { parseGateway } from '../../src/composite/config/gateway.js';
import { ConfigurationError } from '../../src/upstream/config/configuration-error.js';
import fc from 'fast-check';

/** One reference of a part to another one. */
export interface Reference {
  readonly to: string;
  /** What it is for: a query parameter, a segment of the path, a condition, or only the order. */
  readonly as: 'query' | 'path' | 'when-flag' | 'when-more' | 'order';
}

export type Selection = 'none' | 'inner' | 'list' | 'first' | 'some' | 'nothing';

export type Merge = 'deep' | 'concat' | { readonly byKey: string };

/** What a part's upstream does when it is asked. */
export type Behaviour = { readonly answer: unknown } | { readonly fails: 'status' | 'connect' | 'full' };

export interface RandomPart {
  readonly name: string;
  readonly references: readonly Reference[];
  readonly required: boolean;
  readonly fallback: unknown;
  readonly select: Selection;
  readonly pick: readonly string[] | undefined;
  readonly omit: readonly string[];
  readonly rename: Readonly<Record<string, string>>;
  readonly place: { readonly as: string } | 'flat' | 'hidden';
  readonly merge: Merge | undefined;
  readonly behaviour: Behaviour;
}

/** A composite without joins and writes, what its upstreams do, and what the client asks for. */
export interface RandomPlan {
  /** In declared order. */
  readonly parts: readonly RandomPart[];
  /** Paths of the response; undefined for all of it. */
  readonly fields: readonly string[] | undefined;
}

export const SELECTIONS: Readonly<Record<Selection, string | undefined>> = {
  none: undefined,
  inner: 'inner',
  list: 'list',
  first: 'list[0]',
  some: '{flag: flag, id: id, n: n}',
  nothing: 'nothing.at.all',
};

const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
/** Large ones are more often refused, and tell more. */
const SIZES = [1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6];
const KEYS = ['id', 'n', 'flag', 'inner', 'list', 'alpha', 'group'];

export function randomPlans(): fc.Arbitrary<RandomPlan> {
  return fc
    .constantFrom(...SIZES)
    .chain((size) =>
      fc.record({
        // Who may refer to whom: to those before it in here, which is another order than that of the file.
        order: permutations(NAMES.slice(0, size)),
        draws: fc.array(draw(), { minLength: size, maxLength: size }),
        fields: fc.oneof(
          { weight: 3, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.array(fieldDraw(), { minLength: 1, maxLength: 3 }) },
        ),
      }),
    )
    .map(({ order, draws, fields }) => {
      const names = NAMES.slice(0, draws.length);
      const references = draws.map((drawn, at) =>
        referencesOf(drawn, order.slice(0, order.indexOf(names[at]!))),
      );
      const referredTo = new Set(references.flat().map(({ to }) => to));
      const parts: RandomPart[] = [];
      for (const [at, drawn] of draws.entries()) {
        const name = names[at]!;
        const hides = drawn.place === 'hidden' && (drawn.required || referredTo.has(name));
        const place = placeOf(name, drawn.place, hides);
        parts.push(partOf(name, drawn, references[at]!, place, parts));
      }
      return { parts, fields: fieldsOf(fields, parts) };
    })
    .filter(isAccepted);
}

/** What a file may say is for other specs; here a plan that it may not say is not drawn. */
function isAccepted(plan: RandomPlan): boolean {
  try {
    parseGateway(JSON.stringify(gatewayFile(plan)), { env: {} });
    return true;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
}

/** As it would be written in a gateway file. */
export function gatewayFile({ parts }: RandomPlan): object {
  return {
    upstreams: { shop: { url: 'http://localhost:1' } },
    composites: {
      random: { get: '/random', parts: Object.fromEntries(parts.map((part) => [part.name, written(part)])) },
    },
  };
}

function written(part: RandomPart): object {
  const { name, references, required, fallback, select, pick, omit, rename, place, merge } = part;
  const path = references.filter((reference) => reference.as === 'path');
  const query = references.filter((reference) => reference.as === 'query');
  const variables = [...path, ...query];
  const when = references.flatMap((reference) => {
    if (reference.as === 'when-flag') return [`${reference.to}.flag`];
    return reference.as === 'when-more' ? [`${reference.to}.n > \`1\``] : [];
  });
  const needs = references.filter((reference) => reference.as === 'order').map(({ to }) => to);
  const segments = path.map(({ to }) => `/{${to}}`).join('');
  const parameters = query.length === 0 ? '' : `{?${query.map(({ to }) => to).join(',')}}`;
  return {
    upstream: 'shop',
    get: `/${name}${segments}${parameters}`,
    ...(variables.length === 0
      ? {}
      : { values: Object.fromEntries(variables.map(({ to }) => [to, `${to}.id`] as const)) }),
    ...(required ? { required } : { fallback }),
    ...(when.length === 0 ? {} : { when: when.join(' && ') }),
    ...(needs.length === 0 ? {} : { needs }),
    ...(SELECTIONS[select] === undefined ? {} : { select: SELECTIONS[select] }),
    ...(pick === undefined ? {} : { pick }),
    ...(omit.length === 0 ? {} : { omit }),
    ...(Object.keys(rename).length === 0 ? {} : { rename }),
    ...(place === 'flat' ? { flatten: true } : place === 'hidden' ? { hidden: true } : { as: place.as }),
    ...(merge === undefined ? {} : { merge }),
  };
}

type Draw = ReturnType<typeof draw> extends fc.Arbitrary<infer T> ? T : never;

function draw() {
  return fc.record({
    references: fc.array(
      fc.record({
        to: fc.nat({ max: NAMES.length }),
        as: fc.constantFrom('query', 'query', 'query', 'path', 'path', 'order', 'when-flag', 'when-more'),
      } as const),
      { maxLength: 3 },
    ),
    required: fc.constantFrom(true, false, false, false, false),
    fallback: fc.oneof(fc.constantFrom(null, []), objects()),
    select: fc.constantFrom<Selection>('none', 'none', 'none', 'inner', 'list', 'first', 'some', 'nothing'),
    pick: fc.option(fc.array(paths(), { minLength: 1, maxLength: 5 }), { nil: undefined, freq: 2 }),
    omit: fc.array(paths(), { maxLength: 2 }),
    rename: fc.dictionary(paths(), fc.constantFrom('id', 'inner', 'renamed'), { maxKeys: 2 }),
    place: fc.oneof(
      fc.constant('own' as const),
      fc.constantFrom('flat' as const, 'hidden' as const),
      fc.array(fc.constantFrom('group', 'alpha', 'inner', 'own'), { minLength: 1, maxLength: 3 }),
    ),
    merge: fc.constantFrom<Merge>('deep', 'concat', { byKey: 'id' }),
    mergesFlat: fc.boolean(),
    behaviour: fc.oneof(
      { weight: 6, arbitrary: objects().map((answer) => ({ answer })) },
      { weight: 1, arbitrary: fc.constantFrom(null, 7, 'text', []).map((answer) => ({ answer })) },
      { weight: 2, arbitrary: fc.constantFrom('status', 'connect', 'full').map((fails) => ({ fails })) },
    ),
  });
}

/** To parts that may come before it; each once. */
function referencesOf({ references }: Draw, mayReferTo: readonly string[]): readonly Reference[] {
  const used = new Set<string>();
  return references.flatMap(({ to, as }) => {
    const target = mayReferTo[to % Math.max(1, mayReferTo.length)];
    if (target === undefined || used.has(target)) return [];
    used.add(target);
    return [{ to: target, as }];
  });
}

function placeOf(name: string, drawn: Draw['place'], hides: boolean): RandomPart['place'] {
  if (drawn === 'flat' || hides) return hides ? 'hidden' : 'flat';
  if (typeof drawn === 'string') return { as: name };
  return { as: drawn.map((key) => (key === 'own' ? name : key)).join('.') };
}

/** What the file may say: no more than what makes sense. */
function partOf(
  name: string,
  drawn: Draw,
  references: readonly Reference[],
  place: RandomPart['place'],
  earlier: readonly RandomPart[],
): RandomPart {
  const { behaviour, required, select, fallback, merge, mergesFlat } = drawn;
  const part = { name, behaviour, required, select, references, place };
  if (place === 'hidden') return { ...part, fallback, ...UNSHAPED, merge: undefined };
  const shaping = { ...part, ...sensible(drawn) };
  if (place !== 'flat') return { ...shaping, fallback, merge: meets(place, earlier) ? merge : undefined };
  const mustMerge = knowsKeys(shaping) || earlier.some((other) => other.place === 'flat');
  return {
    ...shaping,
    fallback: Array.isArray(fallback) ? null : fallback,
    merge: earlier.length > 0 && (mustMerge || mergesFlat) ? merge : undefined,
  };
}

/** What the selection `some` gives. */
const SOME_KEYS: readonly string[] = ['flag', 'id', 'n'];

const UNSHAPED = { pick: undefined, omit: [], rename: {} };

/** Without what would be refused as having no effect, or two at once. */
function sensible(drawn: Draw): Shaping {
  const { select } = drawn;
  const isKnown = (path: string): boolean => select !== 'some' || SOME_KEYS.includes(path);
  const drawnPick = drawn.pick?.some(isKnown) === true ? drawn.pick.filter(isKnown) : undefined;
  const drawnOmit = drawn.omit.filter(isKnown);
  const drawnRename = Object.fromEntries(Object.entries(drawn.rename).filter(([path]) => isKnown(path)));
  const pick = drawnPick?.filter((path, at) => {
    return !drawnPick.some((other, index) => isBelow(path, other) || (other === path && index < at));
  });
  const stays = (path: string): boolean => pick?.some((picked) => isWithin(path, picked)) !== false;
  const omit = [...new Set(drawnOmit)].filter(
    (path) => stays(path) && pick?.some((picked) => isWithin(picked, path)) !== true,
  );
  const isThere = (path: string): boolean =>
    (stays(path) || pick?.some((picked) => isBelow(picked, path)) === true) &&
    !omit.some((omitted) => isWithin(path, omitted));
  const rename = new Map<string, string>();
  const targets = new Set<string>();
  for (const [path, name] of Object.entries(drawnRename)) {
    const target = [...path.split('.').slice(0, -1), name].join('.');
    const clashes = targets.has(target) || pick?.includes(target) === true || target === path;
    if (clashes || !isThere(path)) continue;
    targets.add(target);
    rename.set(path, name);
  }
  return { pick, omit, rename: Object.fromEntries(rename) };
}

type Shaping = Pick<RandomPart, 'pick' | 'omit' | 'rename'>;

function isBelow(path: string, outer: string): boolean {
  return path.startsWith(`${outer}.`);
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || isBelow(path, outer);
}

/** Whether the file says which keys a flattened part has. */
function knowsKeys({ pick, select }: Pick<RandomPart, 'pick' | 'select'>): boolean {
  return pick !== undefined || select === 'some';
}

/** Whether an earlier part writes the same place, or one above or below it: then the file must say how they merge. */
function meets(place: RandomPart['place'], earlier: readonly RandomPart[]): boolean {
  if (typeof place === 'string') return false;
  return earlier.some((other) => {
    if (typeof other.place === 'string') return other.place === 'flat' && knowsKeys(other);
    return isWithin(other.place.as, place.as) || isWithin(place.as, other.place.as);
  });
}

function fieldDraw() {
  return fc.record({
    part: fc.nat({ max: NAMES.length }),
    up: fc.boolean(),
    below: fc.option(paths(), { nil: '' }),
  });
}

/** Paths that the response may have. */
function fieldsOf(
  drawn: readonly { readonly part: number; readonly up: boolean; readonly below: string }[] | undefined,
  parts: readonly RandomPart[],
): readonly string[] | undefined {
  const fields = drawn?.flatMap(({ part: at, up, below }) => {
    const place = parts[at % parts.length]?.place;
    if (place === undefined || typeof place === 'string') return [];
    if (up) return [place.as.split('.')[0] ?? ''];
    return [below === '' ? place.as : `${place.as}.${below}`];
  });
  // Which fields a trimmed value can have is for the specs of sparse answers.
  const plain = fields?.filter((field) => !parts.some((part) => isTrimmedAbove(part, field)));
  return plain?.length === 0 ? undefined : plain;
}

function isTrimmedAbove({ place, pick, omit, rename }: RandomPart, field: string): boolean {
  const isTrimmed = pick !== undefined || omit.length > 0 || Object.keys(rename).length > 0;
  if (typeof place === 'string') return isTrimmed && place === 'flat' && field.includes('.');
  return isTrimmed && isBelow(field, place.as);
}

/** An object of few keys, so that parts meet each other's. */
function objects(): fc.Arbitrary<object> {
  const id = fc.constantFrom<unknown>('a', 'b c', 1, null);
  const scalars = {
    id,
    n: fc.constantFrom<unknown>(0, 1, 2, 3, null),
    flag: fc.constantFrom<unknown>(true, false, '', [], {}, 'yes'),
  };
  const inner = fc.record({ ...scalars, group: fc.constantFrom(null, 1, { id: 1 }) }, { requiredKeys: [] });
  const items = fc.array(fc.oneof(inner, fc.constantFrom(null, 5)), { maxLength: 3 });
  return fc.record(
    {
      ...scalars,
      inner: fc.oneof(inner, fc.constantFrom(null, 'text')),
      list: fc.oneof(items, fc.constant(null)),
      alpha: fc.oneof(inner, items),
      group: fc.oneof(inner, fc.constant(null)),
    },
    // Without an id, whatever refers to it is never asked.
    { requiredKeys: ['id'] },
  );
}

function paths(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 2 }).map((keys) => keys.join('.'));
}

function permutations(names: readonly string[]): fc.Arbitrary<string[]> {
  return fc.shuffledSubarray([...names], { minLength: names.length, maxLength: names.length });
}
