import { type Path } from '../../upstream/config/configuration-source.js';
import {
  type CompositeConfig,
  type ForEachConfig,
  type ForwardConfig,
  type MergePolicy,
  type ParamConfig,
  type PartConfig,
} from './composite-config.js';
import {
  type WrittenComposite,
  type WrittenForEach,
  type WrittenForward,
  type WrittenParam,
  type WrittenPart,
} from './composite-schema.js';

const ROUTE_VERBS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const CALL_VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete'] as const;
const PARAMETER = /\{([^{}]*)\}/g;

const DEFAULT_DEADLINE_MS = 3_000;
const DEFAULT_PASS_THROUGH: readonly number[] = [401, 403, 404, 410];
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_MAX_ITEMS = 200;

/** What was written, with defaults for what was not. */
export function settledComposite(name: string, written: WrittenComposite): CompositeConfig {
  const at = ['composites', name];
  const verb = ROUTE_VERBS.find((verb) => written[verb] !== undefined) ?? 'get';
  const route = written[verb] ?? '';
  const { status = 200, deadline = DEFAULT_DEADLINE_MS, passThrough = DEFAULT_PASS_THROUGH } = written;
  return {
    name,
    at,
    method: verb.toUpperCase(),
    route,
    summary: written.summary,
    description: written.description,
    tags: written.tags ?? [],
    params: settledParams(written.params ?? {}, route, [...at, 'params']),
    bodySchema: written.bodySchema,
    auth: written.auth,
    forward: settledForward(written.forward ?? {}),
    deadline,
    status,
    partialStatus: written.partialStatus,
    passThrough,
    reportInBody: written.report === 'body',
    sparse: written.sparse ?? verb === 'get',
    parts: Object.entries(written.parts).map(([part, value]) =>
      settledPart(part, value, [...at, 'parts', part]),
    ),
  };
}

/** The parameters that are declared, and those of the route that are not: text of any kind. */
function settledParams(
  written: Readonly<Record<string, WrittenParam>>,
  route: string,
  at: Path,
): readonly ParamConfig[] {
  const inRoute = [...route.matchAll(PARAMETER)].map(([, name = '']) => name);
  const names = new Set([...inRoute, ...Object.keys(written)]);
  return [...names].map((name) => {
    const {
      in: place = 'query',
      alias = name,
      required = false,
      description,
      ...schema
    } = written[name] ?? {};
    const isInPath = inRoute.includes(alias);
    return {
      name,
      at: [...at, name],
      in: isInPath ? 'path' : place,
      alias: place === 'header' ? alias.toLowerCase() : alias,
      required: isInPath || required,
      description,
      schema: { type: 'string', ...schema },
    };
  });
}

function settledForward({
  headers = [],
  query = [],
  cookies = [],
  body = false,
}: WrittenForward): ForwardConfig {
  return { headers, query, cookies, body };
}

function settledPart(name: string, written: WrittenPart, at: Path): PartConfig {
  const verb = CALL_VERBS.find((verb) => written[verb] !== undefined) ?? 'get';
  const { forward, forEach } = written;
  return {
    name,
    at,
    upstream: written.upstream,
    method: verb.toUpperCase(),
    url: written[verb] ?? '',
    values: written.values ?? {},
    headers: written.headers ?? {},
    forward: forward === undefined ? undefined : settledForward(forward),
    body: written.body,
    idempotencyKey: written.idempotencyKey,
    required: written.required ?? false,
    fallback: written.fallback ?? null,
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
    merge: settledMerge(written.merge),
    schema: written.schema,
    forEach: forEach === undefined ? undefined : settledForEach(forEach),
  };
}

function settledMerge(written: WrittenPart['merge']): MergePolicy | undefined {
  if (written === undefined) return undefined;
  return typeof written === 'string' ? { policy: written } : { policy: 'by-key', key: written.byKey };
}

function settledForEach(written: string | WrittenForEach): ForEachConfig {
  const { items, key, batch, concurrency, maxItems, missing, collect, stitch }: WrittenForEach =
    typeof written === 'string' ? { items: written } : written;
  return {
    items,
    key,
    batch,
    concurrency: concurrency ?? DEFAULT_CONCURRENCY,
    maxItems: maxItems ?? DEFAULT_MAX_ITEMS,
    missing: missing ?? null,
    collect: stitch === undefined ? { form: collect ?? 'map' } : { form: 'stitch', field: stitch },
  };
}
