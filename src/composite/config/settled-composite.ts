import { type Path } from '../../upstream/config/configuration-source.js';
import {
  type BatchConfig,
  type CompositeConfig,
  type ForEachConfig,
  type ForwardConfig,
  type MergePolicy,
  type ParamConfig,
  type PartConfig,
  RESERVED_NAMES,
} from './composite-config.js';
import {
  CALL_VERBS,
  ROUTE_VERBS,
  type WrittenBatch,
  type WrittenComposite,
  type WrittenForEach,
  type WrittenForward,
  type WrittenParam,
  type WrittenPart,
} from './composite-schema.js';
import { type Place } from './place.js';
import { checkRoute, routeParameters } from './route.js';
import { writtenVerb } from './written-verb.js';

/** Also a token of RFC 9651, so that it can stand in a `Composite-Parts` header as it is. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

const DEFAULT_DEADLINE_MS = 3_000;
const DEFAULT_PASS_THROUGH: readonly number[] = [401, 403, 404, 410];
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_MAX_ITEMS = 200;

/** What was written, with defaults for what was not; what it cannot do without is reported. */
export function settledComposite(name: string, written: WrittenComposite, place: Place): CompositeConfig {
  const { at } = place;
  checkName(name, place, 'composite');
  const verb = writtenVerb(ROUTE_VERBS, place, 'a route, such as /orders/{id}');
  const route = verb === undefined ? undefined : written[verb];
  if (verb !== undefined && route !== undefined) checkRoute(route, place.below(verb));
  const { status = 200, deadline = DEFAULT_DEADLINE_MS, passThrough = DEFAULT_PASS_THROUGH } = written;
  const parts = place.below('parts');
  if (!place.has('parts') || (parts.keys.length === 0 && written.parts !== undefined)) {
    place.report.missing(parts.at, 'at least one part');
  }
  return {
    name,
    at,
    method: (verb ?? 'get').toUpperCase(),
    route: route ?? '',
    summary: written.summary,
    description: written.description,
    tags: written.tags ?? [],
    params: settledParams(written.params ?? {}, route ?? '', [...at, 'params']),
    bodySchema: written.bodySchema,
    auth: written.auth,
    forward: settledForward(written.forward ?? {}),
    deadline,
    status,
    partialStatus: written.partialStatus,
    passThrough,
    reportInBody: written.report === 'body',
    sparse: written.sparse ?? verb === 'get',
    parts: Object.entries(written.parts ?? {}).map(([part, value]) =>
      settledPart(part, value, parts.below(part)),
    ),
  };
}

function checkName(name: string, place: Place, of: 'composite' | 'part'): void {
  if (!NAME.test(name)) {
    place.unexpectedKey(
      `${JSON.stringify(name)} as the name of a ${of}`,
      'a name of letters, digits, - and _, beginning with a letter',
    );
  } else if (of === 'part' && RESERVED_NAMES.includes(name)) {
    place.unexpectedKey(
      `${name} as the name of a part`,
      `another name: expressions know something else as ${name}`,
    );
  }
}

/** The parameters of the route first, whether they are declared or not (then they are text of any kind). */
function settledParams(
  written: Readonly<Record<string, WrittenParam>>,
  route: string,
  at: Path,
): readonly ParamConfig[] {
  const inRoute = routeParameters(route);
  const declared = Object.entries(written).map(([name, param]) => settledParam(name, param, inRoute, at));
  const ofRoute = [...new Set(inRoute)].map(
    (segment) =>
      declared.find((param) => param.in === 'path' && param.alias === segment) ??
      declared.find(({ name }) => name === segment) ??
      settledParam(segment, {}, inRoute, at),
  );
  return [...new Set([...ofRoute, ...declared])];
}

function settledParam(
  name: string,
  written: WrittenParam,
  inRoute: readonly string[],
  at: Path,
): ParamConfig {
  const { in: place, alias = name, required, description, ...schema } = written;
  const where = place ?? (inRoute.includes(alias) ? 'path' : 'query');
  return {
    name,
    at: [...at, name],
    in: where,
    alias: where === 'header' ? alias.toLowerCase() : alias,
    required: required ?? where === 'path',
    description,
    schema: { type: 'string', ...schema },
  };
}

function settledForward({
  headers = [],
  query = [],
  cookies = [],
  body = false,
}: WrittenForward): ForwardConfig {
  return { headers, query, cookies, body };
}

function settledPart(name: string, written: WrittenPart, place: Place): PartConfig {
  const { at } = place;
  checkName(name, place, 'part');
  if (!place.has('upstream')) place.report.missing([...at, 'upstream'], 'the name of an upstream');
  const verb = writtenVerb(CALL_VERBS, place, 'a URL template, such as /orders/{id}');
  const { forward, forEach, merge } = written;
  return {
    name,
    at,
    upstream: written.upstream ?? '',
    method: (verb ?? 'get').toUpperCase(),
    url: (verb === undefined ? undefined : written[verb]) ?? '',
    values: written.values ?? {},
    headers: written.headers ?? {},
    forward: forward === undefined ? undefined : settledForward(forward),
    body: written.body,
    reads: written.reads ?? false,
    idempotencyKey: written.idempotencyKey,
    required: written.required ?? false,
    fallback: written.fallback ?? null,
    hasFallback: place.has('fallback'),
    within: written.within,
    when: written.when,
    needs: written.needs ?? [],
    select: written.select,
    pick: written.pick,
    omit: written.omit ?? [],
    rename: written.rename ?? {},
    as: (written.as ?? name).split('.'),
    flatten: written.flatten ?? false,
    hidden: written.hidden ?? false,
    merge: merge === undefined ? undefined : settledMerge(merge, place.below('merge')),
    schema: written.schema,
    forEach: forEach === undefined ? undefined : settledForEach(forEach, place.below('forEach')),
  };
}

function settledMerge(written: NonNullable<WrittenPart['merge']>, place: Place): MergePolicy {
  if (typeof written === 'string') return { policy: written };
  if (!place.has('byKey'))
    place.report.missing([...place.at, 'byKey'], 'the field that is the key of both lists');
  return { policy: 'by-key', key: written.byKey ?? '' };
}

function settledForEach(written: string | WrittenForEach, place: Place): ForEachConfig {
  const { items, key, batch, concurrency, maxItems, missing, collect, stitch }: WrittenForEach =
    typeof written === 'string' ? { items: written } : written;
  if (typeof written !== 'string' && !place.has('items')) {
    place.report.missing([...place.at, 'items'], 'JMESPath over the scope, such as order.lines');
  }
  return {
    items: items ?? '',
    key,
    batch: batch === undefined ? undefined : settledBatch(batch, place.below('batch')),
    concurrency: concurrency ?? DEFAULT_CONCURRENCY,
    maxItems: maxItems ?? DEFAULT_MAX_ITEMS,
    missing: missing ?? null,
    collect: stitch === undefined ? { form: collect ?? 'map' } : { form: 'stitch', field: stitch },
  };
}

function settledBatch({ size = 1, key = '' }: WrittenBatch, place: Place): BatchConfig {
  if (!place.has('size')) place.report.missing([...place.at, 'size'], 'the number of keys a call');
  if (!place.has('key')) {
    place.report.missing(
      [...place.at, 'key'],
      'JMESPath over an element of the answer: its key, such as sku',
    );
  }
  return { size, key };
}
