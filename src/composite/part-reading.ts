import { nearestName } from '../upstream/config/nearest-name.js';
import { UrlTemplateError } from '../upstream/template-expression.js';
import { UrlTemplate } from '../upstream/url-template.js';
import { type ForEachConfig, type PartConfig } from './config/composite-config.js';
import { hasBody } from './config/forward-checks.js';
import { type Place } from './config/place.js';
import { suggestion } from './config/suggestion.js';
import { type Expression } from './expression.js';
import { literalPattern } from './literal-pattern.js';
import { type PlannedJoin, type PlannedPart } from './plan.js';
import { readExpression, type ScopeNames, ScopeReader } from './scope-reader.js';
import { type ValueTemplate } from './value-template.js';

/** A part whose expressions were read, and what they look at. */
export interface ReadPart {
  readonly config: PartConfig;
  readonly place: Place;
  /** Whether every key of it could be read as what it is. */
  readonly isSound: boolean;
  readonly scope: ScopeReader;
  readonly when: Expression | undefined;
  readonly select: Expression | undefined;
  readonly join: PlannedJoin | undefined;
  /** What of the plan is the part's own; undefined if something of it could not be read. */
  readonly compiled: CompiledPart | undefined;
}

type CompiledPart = Omit<
  PlannedPart,
  'needs' | 'needsIfStrict' | 'isGuard' | 'forwarding' | 'read' | 'clientValues'
>;

/** Reads what a part says over the scope; what is wrong with it is reported. */
export function readPart(config: PartConfig, names: ScopeNames, place: Place): ReadPart {
  const isSound = !place.report.has(place.at);
  const scope = new ScopeReader(config, names, isSound);
  const template = readTemplate(config.url, verbOf(config, place));
  const values = template && readValues(template, scope, config, place);
  const headers = readHeaders(scope, config, place);
  const value = <T>(key: keyof PartConfig, how: (place: Place) => T): T | undefined =>
    config[key] === undefined ? undefined : how(place.below(key));
  const body = value('body', (at) => {
    if (hasBody(config)) return scope.value(config.body, at);
    const { method } = config;
    if (isSound) at.unexpectedKey(`it on a ${method}`, `none, or another verb: a ${method} sends no body`);
    return undefined;
  });
  const idempotencyKey = value('idempotencyKey', (at) => scope.value(config.idempotencyKey, at));
  const when = value('when', (at) => scope.condition(config.when ?? '', at));
  if (template !== undefined && values !== undefined) {
    checkIndispensable(template, values, config, mayBeNull(names, when), place);
  }
  const select = value('select', (at) => readExpression(config.select ?? '', at));
  const { forEach } = config;
  const join = forEach && readJoin(forEach, scope, place.below('forEach'));
  for (const [index, need] of place.below('needs').names) scope.need(need, place.below('needs', index));
  const isWhole = template !== undefined && values !== undefined && !place.report.has(place.at);
  const read = { config, place, isSound, scope, when, select, join };
  if (!isWhole) return { ...read, compiled: undefined };
  return {
    ...read,
    compiled: { config, template, values, headers, body, idempotencyKey, when, select, join },
  };
}

/** Where the URL of a part stands. */
function verbOf({ method }: Pick<PartConfig, 'method'>, place: Place): Place {
  return place.below(method.toLowerCase());
}

function readTemplate(url: string, place: Place): UrlTemplate | undefined {
  if (url === '') return undefined;
  const reserved = RESERVED_EXPANSION.exec(url);
  if (reserved !== null) {
    const [found, list = ''] = reserved;
    const expected = `{${list}}: what {+} lets through of a value can add parameters; several segments of a path are {/${list}*}, with a list`;
    place.unexpectedWithin(reserved.index, found, expected);
    return undefined;
  }
  try {
    return new UrlTemplate(url);
  } catch (error) {
    if (!(error instanceof UrlTemplateError)) throw error;
    const isDoubled = url.includes('{{');
    const expected = isDoubled
      ? `single braces, as in ${url.replaceAll('{{', '{').replaceAll('}}', '}')}`
      : 'an RFC 6570 template, such as /orders/{id}{?limit}';
    place.flawWithin(0, `${error.message}; expected ${expected}`);
    return undefined;
  }
}

/** RFC 6570's level 2: what it writes is not encoded. */
const RESERVED_EXPANSION = /\{\+([^{}]*)\}/;

/** The parameters that may be null when a part is called: what its `when` looks at may be there by then. */
function mayBeNull({ optionalParams }: ScopeNames, when: Expression | undefined): readonly string[] {
  const looksAt = (param: string): boolean =>
    when?.paths.some(([root, name = param]) => root === 'params' && name === param) === true;
  return optionalParams.filter((param) => !looksAt(param));
}

/** Reports variables that the URL cannot do without, and that are parameters a request may leave out. */
function checkIndispensable(
  { indispensable }: UrlTemplate,
  values: ReadonlyMap<string, ValueTemplate>,
  { url, values: written, ...config }: PartConfig,
  optionalParams: readonly string[],
  place: Place,
): void {
  for (const variable of indispensable) {
    const [path, ...others] = values.get(variable)?.paths ?? [];
    const [root, name = ''] = path ?? [];
    const isParam = root === 'params' && others.length === 0 && optionalParams.includes(name);
    const text = written[variable];
    const isPlain =
      !Object.hasOwn(written, variable) || text === `params.${name}` || text === `params."${name}"`;
    if (!isParam || !isPlain) continue;
    const found = `{${variable}}, which is the parameter ${name}: a request may do without it`;
    const expected = 'one that is always there in this place: make it required or give it a default';
    verbOf(config, place).unexpectedWithin(placeInTemplate(url, variable), found, expected);
  }
}

/** The value of each variable; undefined if one is missing. */
function readValues(
  { variables }: UrlTemplate,
  scope: ScopeReader,
  { url, values: written, ...config }: PartConfig,
  place: Place,
): ReadonlyMap<string, ValueTemplate> | undefined {
  const at = place.below('values');
  // A variable whose value stands under a misspelt name is not missing as well.
  const meant = new Set<string>();
  for (const [name, value] of Object.entries(written)) {
    if (variables.includes(name)) continue;
    scope.value(value, at.below(name));
    const hint = suggestion(name, variables);
    at.below(name).unexpectedKey(name, `a variable of the URL template; ${hint}`);
    meant.add(nearestName(name, variables) ?? '');
  }
  const verb = verbOf(config, place);
  const values = new Map<string, ValueTemplate>();
  for (const variable of variables) {
    if (meant.has(variable)) continue;
    const value = at.has(variable)
      ? scope.value(written[variable], at.below(variable))
      : scope.implied(variable, verb, placeInTemplate(url, variable));
    if (value !== undefined) values.set(variable, value);
  }
  return values.size === variables.length ? values : undefined;
}

/** By name in lower case, as the schema gives them; in the file they may be written otherwise. */
function readHeaders(
  scope: ScopeReader,
  { headers: written }: PartConfig,
  place: Place,
): ReadonlyMap<string, ValueTemplate> {
  const at = place.below('headers');
  const headers = new Map<string, ValueTemplate>();
  const seen = new Set<string>();
  for (const key of at.keys) {
    const name = key.toLowerCase();
    if (!Object.hasOwn(written, name)) continue;
    const header = at.below(key);
    const value = written[name];
    if (seen.has(name)) {
      header.unexpectedKey('it a second time (case does not count)', 'each header once');
    } else if (typeof value === 'object') {
      header.unexpected('one value: JMESPath, a number, true or false');
    } else {
      const template = scope.value(value, header);
      if (template !== undefined) headers.set(name, template);
    }
    seen.add(name);
  }
  return headers;
}

function readJoin(config: ForEachConfig, scope: ScopeReader, place: Place): PlannedJoin | undefined {
  const { items, key, batch } = config;
  const isGroup = place.keys.length > 0;
  const ofScope = items === '' ? undefined : scope.condition(items, isGroup ? place.below('items') : place);
  const ofItem = key === undefined ? undefined : readExpression(key, place.below('key'));
  const ofElement =
    batch === undefined || batch.key === ''
      ? undefined
      : readExpression(batch.key, place.below('batch', 'key'));
  return ofScope && { config, items: ofScope, key: ofItem, batchKey: ofElement };
}

function placeInTemplate(url: string, variable: string): number {
  const found = new RegExp(`(?<=[{,+./;?&])${literalPattern(variable)}(?=[},:*])`).exec(url);
  return found?.index ?? 0;
}
