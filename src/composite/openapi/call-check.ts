import { type ConfigurationReport } from '../../upstream/config/configuration-report.js';
import { type Path } from '../../upstream/config/configuration-source.js';
import { type UpstreamConfig } from '../../upstream/config/gateway-config.js';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { type CompositeConfig, type ForwardConfig, type PartConfig } from '../config/composite-config.js';
import { Expression } from '../expression.js';
import { type CallOutline, callOutline, type QueryField } from './call-outline.js';
import { type CompositeShape } from './composite-shape.js';
import { matchingPath, type PathMatch } from './operation-match.js';
import { isGroup, type Schema } from './schema-reader.js';
import { requiredOf, schemaOfValue } from './schema-shape.js';
import { ANYTHING } from './schema-union.js';
import {
  type OperationParameter,
  type UpstreamDocument,
  type UpstreamOperation,
} from './upstream-document.js';
import { ValueConflict } from './value-conflict.js';

/** A part's operation, and how its URL fits it. */
export interface CallMatch {
  readonly operation: UpstreamOperation;
  readonly outline: CallOutline;
  readonly path: PathMatch;
}

/** Headers that describe a message or belong to the connection: OpenAPI leaves them out of the parameters. */
const OWN_HEADERS = new Set(['accept', 'authorization', 'content-type', 'content-length', 'host']);
const MOST_PATHS_SHOWN = 6;

/** The operation that a part calls; what keeps it from being one is reported. Undefined too where that is uncertain. */
export function matchedCall(
  part: PartConfig,
  composite: CompositeConfig,
  upstream: UpstreamConfig,
  document: UpstreamDocument,
  report: ConfigurationReport,
): CallMatch | undefined {
  const outline = callOutline(part.url);
  const { path } = outline;
  if (path === undefined) return undefined;
  const bases = upstream.endpoints.map((endpoint) => new URL(endpoint).pathname.replace(/\/+$/, ''));
  const match = matchingPath(document, [path, ...bases.map((base) => base + path)], (hole) =>
    knownValues(outline.pathVariables[hole] ?? '', part, composite),
  );
  const verb = part.method.toLowerCase();
  if (match === undefined) {
    report.unexpected([...part.at, verb], `a path of ${document.file}; ${pathHint(part.url, document)}`);
    return undefined;
  }
  const operation = document.operation(match.path, part.method);
  if (operation !== undefined) return { operation, outline, path: match };
  const verbs = document.verbs(match.path).map((known) => known.toLowerCase());
  const expected =
    verbs.length === 0 ? 'no verb at all' : verbs.length === 1 ? verbs.join() : `one of ${verbs.join(', ')}`;
  report.add(
    [...part.at, verb],
    'key',
    `found ${verb}; expected ${expected}: ${match.path} in ${document.file} has no other`,
  );
  return undefined;
}

/** Reports what a call sends that its operation does not take, and what it does not send that it needs. */
export class CallCheck {
  private readonly conflict: ValueConflict;
  private readonly forward: ForwardConfig;

  constructor(
    private readonly part: PartConfig,
    composite: CompositeConfig,
    private readonly upstream: UpstreamConfig,
    private readonly match: CallMatch,
    private readonly shape: CompositeShape,
    private readonly report: ConfigurationReport,
  ) {
    this.conflict = new ValueConflict(shape.shape, match.operation.definitions);
    this.forward = part.forward ?? composite.forward;
  }

  check(): void {
    this.checkQuery();
    this.checkRequired();
    this.checkPathValues();
    this.checkHeaderValues();
    this.checkBody();
  }

  private get urlAt(): Path {
    return [...this.part.at, this.part.method.toLowerCase()];
  }

  private get title(): string {
    const { method, path, file } = this.match.operation;
    return `${method} ${path} (${file})`;
  }

  private parametersIn(place: OperationParameter['in']): readonly OperationParameter[] {
    return this.match.operation.parameters.filter((parameter) => parameter.in === place);
  }

  private checkQuery(): void {
    for (const field of this.match.outline.query) {
      const parameter = this.parametersIn('query').find(({ name }) => name === field.name);
      if (parameter !== undefined) this.checkField(field, parameter);
      else if (!this.mayBeSent(field.name) && !this.mayBeKeys(field))
        this.reportUnknown(this.urlAt, field.name);
    }
    for (const [index, name] of (this.part.forward?.query ?? []).entries()) {
      const isKnown = this.parametersIn('query').some((parameter) => parameter.name === name);
      if (!isKnown && !this.mayBeSent(name)) {
        this.reportUnknown([...this.part.at, 'forward', 'query', index], name);
      }
    }
  }

  private reportUnknown(at: Path, name: string): void {
    const names = this.parametersIn('query').map((parameter) => parameter.name);
    const nearest = nearestName(name, names);
    const hint =
      nearest !== undefined
        ? `did you mean ${nearest}?`
        : names.length === 0
          ? 'it takes none'
          : `it takes ${names.join(', ')}`;
    const message = `found the query parameter ${name}; expected one of ${this.title}; ${hint}`;
    this.report.add(at, 'value', message);
  }

  /** Whether a query parameter that is not declared under its name may yet be one. */
  private mayBeSent(name: string): boolean {
    const { isOpen, credentialParameters } = this.match.operation;
    if (isOpen || credentialParameters.has(name)) return true;
    return this.parametersIn('query').some(({ name: declared, style, schema }) => {
      if (style === 'deepObject') return name.startsWith(`${declared}[`);
      // The keys of an object are parameters of their own.
      const types = this.shape.shape.variants(schema).map(({ type }) => type);
      return types.includes('object') && this.shape.shape.namesWithout(schema, name) === undefined;
    });
  }

  /** Whether what is written are the keys of an object, whatever its variable is called. */
  private mayBeKeys({ isExploded, variable }: QueryField): boolean {
    return isExploded && variable !== undefined && !this.shape.shape.isList(this.valueOf(variable));
  }

  private checkField({ variable, value }: QueryField, parameter: OperationParameter): void {
    if (variable !== undefined) this.checkValue(this.placeOf(variable), this.valueOf(variable), parameter);
    else if (value !== undefined) this.checkValue(this.urlAt, schemaOfValue(value), parameter);
  }

  private checkPathValues(): void {
    const { outline, path } = this.match;
    const parameters = this.parametersIn('path');
    for (const [hole, variable] of outline.pathVariables.entries()) {
      const parameter = parameters.find(({ name }) => name === path.names[hole]);
      if (parameter !== undefined) this.checkValue(this.placeOf(variable), this.valueOf(variable), parameter);
    }
  }

  private checkHeaderValues(): void {
    for (const [name, value] of Object.entries(this.part.headers)) {
      const parameter = this.parametersIn('header').find((header) => header.name === name);
      const at = [...this.part.at, 'headers', name];
      if (parameter !== undefined) this.checkValue(at, this.made(value), parameter);
    }
  }

  private checkValue(at: Path, value: Schema, { name, schema }: OperationParameter): void {
    const conflict = this.conflict.between(value, schema);
    if (conflict === undefined) return;
    const { found, expected } = conflict;
    this.report.add(at, 'value', `found ${found} for ${name}; expected ${expected}, as ${this.title} takes`);
  }

  private checkRequired(): void {
    const { outline } = this.match;
    const { headers, idempotencyKey } = this.part;
    const { forward, upstream } = this;
    const sent: Readonly<Record<string, ReadonlySet<string>>> = {
      query: new Set([...outline.query.map(({ name }) => name), ...forward.query]),
      header: new Set([
        ...OWN_HEADERS,
        ...Object.keys(headers),
        ...forward.headers,
        ...Object.keys(upstream.headers),
        ...upstream.forwardHeaders,
        ...(idempotencyKey === undefined ? [] : ['idempotency-key']),
        ...[upstream.deadlineHeader, upstream.attemptCountHeader].filter((name) => name !== null),
        'x-request-id',
      ]),
      cookie: new Set(forward.cookies),
    };
    const cookieJar = [headers, upstream.headers].some((group) => Object.hasOwn(group, 'cookie'));
    const hasCookies = cookieJar || [...forward.headers, ...upstream.forwardHeaders].includes('cookie');
    for (const parameter of this.match.operation.parameters) {
      const { name, in: place, required } = parameter;
      if (!required || place === 'path' || (place === 'cookie' && hasCookies)) continue;
      if (sent[place]?.has(name) === true || (place === 'query' && this.isSentInParts(parameter))) continue;
      const kind = place === 'query' ? 'query parameter' : place;
      this.report.add(
        this.urlAt,
        'value',
        `is missing the ${kind} ${name}, which ${this.title} needs${remedy(parameter)}`,
      );
    }
  }

  /** Whether an object may be sent by its keys. */
  private isSentInParts({ name, style, schema }: OperationParameter): boolean {
    const { query } = this.match.outline;
    if (query.some(({ isExploded }) => isExploded)) return true;
    if (style === 'deepObject') return query.some((field) => field.name.startsWith(`${name}[`));
    return this.shape.shape.variants(schema).some(({ type }) => type === 'object');
  }

  private checkBody(): void {
    const { requestBody } = this.match.operation;
    const { body } = this.part;
    const at = [...this.part.at, 'body'];
    if (requestBody === undefined) {
      if (body !== undefined) {
        this.report.add(at, 'key', `found a body; expected none: ${this.title} takes none`);
      } else if (this.part.forward?.body === true) {
        const forwardAt = [...this.part.at, 'forward', 'body'];
        this.report.add(forwardAt, 'key', `found a body; expected none: ${this.title} takes none`);
      }
      return;
    }
    if (body === undefined) {
      if (requestBody.required && !this.forward.body) {
        this.report.missing(at, `the body that ${this.title} needs, or forward: { body: true }`);
      }
      return;
    }
    if (requestBody.schema !== undefined) this.checkFields(body, requestBody.schema, at);
  }

  /** Of a body that is written out, the fields at its top. */
  private checkFields(body: unknown, declared: Schema, at: Path): void {
    if (!isGroup(body)) return;
    const variants = this.shape.shape.variants(declared);
    const [only] = variants;
    if (only === undefined || variants.length > 1) return;
    for (const name of requiredOf(only)) {
      if (!Object.hasOwn(body, name)) {
        this.report.missing(at, `the field ${name}: ${this.title} needs it`);
      }
    }
    for (const name of Object.keys(body)) {
      const names = this.shape.shape.namesWithout(only, name);
      if (names !== undefined) this.report.unknownKey([...at, name], names);
    }
  }

  private placeOf(variable: string): Path {
    return Object.hasOwn(this.part.values, variable) ? [...this.part.at, 'values', variable] : this.urlAt;
  }

  private valueOf(variable: string): Schema {
    const { values } = this.part;
    return Object.hasOwn(values, variable) ? this.made(values[variable]) : this.implied(variable);
  }

  private implied(variable: string): Schema {
    const param = this.shape.evaluated(`params."${variable}"`, this.part);
    return param['type'] === 'null' ? this.shape.evaluated(variable, this.part) : param;
  }

  private made(written: unknown): Schema {
    if (typeof written === 'string') return this.shape.evaluated(written, this.part);
    // What stands in it may be an expression in turn.
    return typeof written === 'object' ? ANYTHING : schemaOfValue(written);
  }
}

/** The only values a variable can have; undefined if it may have any. */
function knownValues(
  variable: string,
  { values }: PartConfig,
  { params }: CompositeConfig,
): readonly string[] | undefined {
  const written = Object.hasOwn(values, variable) ? values[variable] : `params."${variable}"`;
  if (typeof written !== 'string') return [String(written)];
  let expression: Expression;
  try {
    expression = new Expression(written);
  } catch {
    return undefined;
  }
  if (expression.constant !== undefined) return [String(expression.constant.value)];
  const [[root, name] = []] = expression.paths;
  const param = root === 'params' ? params.find((one) => one.name === name) : undefined;
  const among = param?.schema['enum'];
  return Array.isArray(among) ? among.map(String) : undefined;
}

function pathHint(url: string, { paths }: UpstreamDocument): string {
  const called = url.replace(/\{?[?&].*$/, '');
  const all = paths.flatMap(({ path }) => path);
  const nearest = nearestName(called, all);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  const shown = all.slice(0, MOST_PATHS_SHOWN).join(', ');
  return all.length === 0 ? 'it has none' : `it has ${shown}${all.length > MOST_PATHS_SHOWN ? ', ...' : ''}`;
}

function remedy({ in: place, name }: OperationParameter): string {
  switch (place) {
    case 'query':
      return `: add {?${name}} to the URL, or ${name} to forward.query`;
    case 'header':
      return `: add it to headers, or to forward.headers`;
    case 'cookie':
      return `: add it to forward.cookies`;
    case 'path':
      return '';
  }
}
