import { nearestName } from '../upstream/config/nearest-name.js';
import { type CompositeConfig, type ParamConfig } from './config/composite-config.js';

/** A request that a client of a composite would send. */
export interface CompositeRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; undefined for none. */
  readonly body: string | undefined;
}

export interface RequestExtras {
  /** JSON. */
  readonly body?: string | undefined;
  /** By name in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What `?fields=` asks for. */
  readonly fields?: string | undefined;
}

/** What was given does not make a request of the composite. */
export class RequestMistake extends Error {
  override readonly name = 'RequestMistake';
}

/**
 * The request that carries these values, each by the name it has in the file, at the place the file says: in the path,
 * the query, a header or a cookie. Whether they are any good is for the gateway to say, as of any request.
 *
 * @throws RequestMistake for a name that is no parameter, and a parameter of the path that is not there.
 */
export function compositeRequest(
  config: CompositeConfig,
  values: ReadonlyMap<string, readonly string[]>,
  { body, headers, fields }: RequestExtras = {},
): CompositeRequest {
  checkNames(config, values);
  const inPlace = (place: ParamConfig['in']): readonly [alias: string, value: string][] =>
    config.params
      .filter((param) => param.in === place)
      .flatMap(({ name, alias }) =>
        (values.get(name) ?? []).map((value): [string, string] => [alias, value]),
      );
  const declared = new Set(config.params.map(({ name }) => name));
  const query = new URLSearchParams([...inPlace('query')]);
  for (const [name, given] of values) {
    if (!declared.has(name)) for (const value of given) query.append(name, value);
  }
  if (fields !== undefined) query.append('fields', fields);
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  return {
    method: config.method,
    url: pathOf(config, new Map(inPlace('path'))) + search,
    headers: requestHeaders(inPlace('header'), inPlace('cookie'), body, headers),
    body,
  };
}

/** Query parameters that are passed on, declared or not. */
function forwardedQuery({ forward, parts }: CompositeConfig): readonly string[] {
  return [...forward.query, ...parts.flatMap((part) => part.forward?.query ?? [])];
}

function checkNames(config: CompositeConfig, values: ReadonlyMap<string, readonly string[]>): void {
  const names = [...new Set([...config.params.map(({ name }) => name), ...forwardedQuery(config)])];
  for (const name of values.keys()) {
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    const there = names.length === 0 ? 'it takes none' : `it takes ${names.join(', ')}`;
    const hint = nearest === undefined ? there : `did you mean ${nearest}?`;
    throw new RequestMistake(`${config.name} has no parameter ${name}; ${hint}`);
  }
}

function pathOf(
  { name: composite, route, params }: CompositeConfig,
  values: ReadonlyMap<string, string>,
): string {
  return route.replace(/\{([^{}]*)\}/g, (_braces, alias: string) => {
    const value = values.get(alias);
    if (value !== undefined && value !== '') return segmentOf(value);
    const name = params.find((param) => param.alias === alias && param.in === 'path')?.name ?? alias;
    throw new RequestMistake(`${composite} needs ${name}=..., which stands in its path ${route}`);
  });
}

/** `.` and `..` mean themselves here, not a folder: what tidies up URLs must not see them. */
function segmentOf(value: string): string {
  return value === '.' || value === '..' ? value.replaceAll('.', '%2E') : encodeURIComponent(value);
}

function requestHeaders(
  params: readonly (readonly [string, string])[],
  cookies: readonly (readonly [string, string])[],
  body: string | undefined,
  given: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  for (const [name, value] of params) {
    headers[name] = headers[name] === undefined || name === 'accept' ? value : `${headers[name]}, ${value}`;
  }
  const jar = cookies.map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  if (given['cookie'] !== undefined) jar.unshift(given['cookie']);
  return { ...headers, ...given, ...(jar.length === 0 ? {} : { cookie: jar.join('; ') }) };
}
