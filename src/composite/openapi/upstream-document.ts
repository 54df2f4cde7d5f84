import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { unreadable } from '../../upstream/config/gateway-config.js';
import {
  type Definitions,
  type Dialect,
  isGroup,
  pointerKeys,
  type Schema,
  SchemaReader,
  valueAtKeys,
} from './schema-reader.js';
import { unionOf } from './schema-union.js';

type Group = Readonly<Record<string, unknown>>;

/** An OpenAPI document cannot be used. */
export class UpstreamDocumentError extends Error {
  override readonly name = 'UpstreamDocumentError';
}

/** A path of an OpenAPI document. */
export interface DocumentedPath {
  /** As it is written: `/orders/{id}`. */
  readonly path: string;
  /** With and without the base paths of its servers. */
  readonly fullPaths: readonly string[];
}

/** One verb on one path. */
export interface UpstreamOperation {
  /** In upper case. */
  readonly method: string;
  readonly path: string;
  /** Of the document. */
  readonly file: string;
  readonly parameters: readonly OperationParameter[];
  /** Query parameters that credentials go into. */
  readonly credentialParameters: ReadonlySet<string>;
  /** Whether it may have parameters that could not be read: their description stands in another file. */
  readonly isOpen: boolean;
  readonly requestBody: OperationBody | undefined;
  /** What a success answers: null for nothing. */
  readonly answer: Schema;
  /** What the schemas here refer to. */
  readonly definitions: Definitions;
}

export interface OperationParameter {
  /** A header's in lower case. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required: boolean;
  readonly schema: Schema;
  /** `deepObject`: it is written `name[key]=value`. Undefined for the usual. */
  readonly style: string | undefined;
}

export interface OperationBody {
  readonly required: boolean;
  /** Of its JSON; undefined where it may not be JSON. */
  readonly schema: Schema | undefined;
}

const VERBS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'] as const;
/** A chain of references longer than this leads round in a circle. */
const MAX_REFERENCES = 32;

/**
 * What an upstream says of itself: an OpenAPI document of version 3, in YAML or JSON. References are followed within the
 * document only; nothing is ever fetched.
 */
export class UpstreamDocument {
  readonly paths: readonly DocumentedPath[];
  private readonly definitions = new Map<string, Schema>();
  private readonly reader: SchemaReader;
  private readonly operations = new Map<string, UpstreamOperation | undefined>();

  /**
   * @param name what the names of its schemas begin with
   * @param root the document
   * @throws UpstreamDocumentError
   */
  constructor(
    name: string,
    readonly file: string,
    private readonly root: unknown,
  ) {
    const dialect = dialectOf(file, root);
    this.reader = new SchemaReader(root, name, dialect, this.definitions);
    const { paths = {} } = root as Group;
    if (!isGroup(paths)) throw new UpstreamDocumentError(`which has no group of paths (${file})`);
    this.paths = Object.keys(paths)
      .filter((path) => path.startsWith('/'))
      .map((path) => ({ path, fullPaths: this.fullPaths(path) }));
  }

  /** @throws UpstreamDocumentError saying what is wrong with the file, and where in it. */
  static read(name: string, file: string): UpstreamDocument {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    } catch (error) {
      throw new UpstreamDocumentError(`which cannot be used: ${unreadable(file, error)}`);
    }
    return new UpstreamDocument(name, file, knownOrParsed(file, text));
  }

  /** The verbs on a path, in upper case. */
  verbs(path: string): readonly string[] {
    const item = this.pathItem(path);
    return VERBS.filter((verb) => isGroup(item[verb])).map((verb) => verb.toUpperCase());
  }

  /** The operation; for HEAD that of GET, where it has none of its own. */
  operation(path: string, method: string): UpstreamOperation | undefined {
    const key = `${method} ${path}`;
    if (!this.operations.has(key)) this.operations.set(key, this.readOperation(path, method));
    return this.operations.get(key);
  }

  private readOperation(path: string, method: string): UpstreamOperation | undefined {
    const item = this.pathItem(path);
    const verb = method.toLowerCase();
    const written = item[verb] ?? (verb === 'head' ? item['get'] : undefined);
    if (!isGroup(written)) return undefined;
    const { parameters, isOpen } = this.parameters(item['parameters'], written['parameters']);
    return {
      method,
      path,
      file: this.file,
      parameters,
      credentialParameters: this.credentialParameters(),
      isOpen,
      requestBody: this.requestBody(written['requestBody']),
      answer: method === 'HEAD' ? { type: 'null' } : this.answer(written['responses']),
      definitions: this.definitions,
    };
  }

  /** Those of the path and those of the operation, which come before equally named ones. */
  private parameters(...lists: readonly unknown[]): Pick<UpstreamOperation, 'parameters' | 'isOpen'> {
    const parameters = new Map<string, OperationParameter>();
    let isOpen = false;
    for (const written of lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []))) {
      const parameter = this.resolved(written);
      const { name, in: place, required, style } = parameter;
      if (typeof name !== 'string' || !isPlace(place)) {
        isOpen = true;
        continue;
      }
      const ownName = place === 'header' ? name.toLowerCase() : name;
      parameters.set(`${place} ${ownName}`, {
        name: ownName,
        in: place,
        required: required === true || place === 'path',
        schema: this.parameterSchema(parameter),
        style: typeof style === 'string' ? style : undefined,
      });
    }
    return { parameters: [...parameters.values()], isOpen };
  }

  /** That of its text; what is written as JSON is text of any kind. */
  private parameterSchema({ schema, content }: Group): Schema {
    return content === undefined ? this.reader.read(schema) : {};
  }

  private credentialParameters(): ReadonlySet<string> {
    const schemes = valueAtKeys(this.root, ['components', 'securitySchemes']);
    const known = isGroup(schemes) ? Object.values(schemes).map((scheme) => this.resolved(scheme)) : [];
    return new Set(known.flatMap(({ in: place, name }) => (place === 'query' ? [String(name)] : [])));
  }

  private requestBody(written: unknown): OperationBody | undefined {
    if (!isGroup(written)) return undefined;
    const { content, required } = this.resolved(written);
    const media = isGroup(content) ? jsonMedia(content) : undefined;
    return { required: required === true, schema: media && this.reader.read(media['schema']) };
  }

  private answer(written: unknown): Schema {
    const responses = isGroup(written) ? Object.entries(written) : [];
    const successes = responses.filter(([status]) => /^2(?:\d\d|XX)$/i.test(status));
    const answers = successes.length > 0 ? successes : responses.filter(([status]) => status === 'default');
    if (answers.length === 0) return {};
    return unionOf(
      answers.map(([, response]) => {
        const { content } = this.resolved(response);
        if (!isGroup(content) || Object.keys(content).length === 0) return { type: 'null' };
        return this.reader.read(jsonMedia(content)?.['schema']);
      }),
    );
  }

  private pathItem(path: string): Group {
    return this.resolved(valueAtKeys(this.root, ['paths', path]));
  }

  /** What is written, or what it refers to. */
  private resolved(written: unknown): Group {
    let value = written;
    for (let count = 0; count < MAX_REFERENCES; count++) {
      if (!isGroup(value)) return {};
      const reference = value['$ref'];
      if (typeof reference !== 'string') return value;
      const keys = pointerKeys(reference);
      value = keys && valueAtKeys(this.root, keys);
    }
    return {};
  }

  private fullPaths(path: string): readonly string[] {
    const own = this.pathItem(path)['servers'];
    const servers = Array.isArray(own) ? own : (this.root as Group)['servers'];
    const bases = Array.isArray(servers) ? servers.map(basePath) : [];
    return [...new Set(['', ...bases].map((base) => base + path))];
  }
}

/** By file. A gateway that reloads reads them all again, on the thread that serves, and hardly ever finds a new one. */
const known = new Map<string, { readonly text: string; readonly root: unknown }>();

function knownOrParsed(file: string, text: string): unknown {
  const before = known.get(file);
  if (before?.text === text) return before.root;
  known.delete(file);
  const root = parsed(file, text);
  known.set(file, { text, root });
  return root;
}

function parsed(file: string, text: string): unknown {
  if (/^\s*\{/.test(text)) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      // Flow YAML perhaps; if not, the parser below knows the place.
    }
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new UpstreamDocumentError(`which cannot be read: ${file}:${line}:${col}  ${fault.message}`);
  }
  try {
    return document.toJS() as unknown;
  } catch (error) {
    throw new UpstreamDocumentError(`which cannot be read: ${file}  ${(error as Error).message}`);
  }
}

function dialectOf(file: string, root: unknown): Dialect {
  const { openapi, swagger } = isGroup(root) ? root : {};
  const version = typeof openapi === 'string' ? /^3\.(\d+)(?:\.|$)/.exec(openapi)?.[1] : undefined;
  if (version !== undefined) return version === '0' ? 'openapi-3.0' : '2020-12';
  const other = typeof swagger === 'string' ? `Swagger ${swagger}` : undefined;
  const found = typeof openapi === 'string' ? `is OpenAPI ${openapi}` : other && `is ${other}`;
  throw new UpstreamDocumentError(`which ${found ?? `has no 'openapi: 3.1.0' at its top`} (${file})`);
}

/** The path of a server's URL, with its variables at their defaults. */
function basePath(server: unknown): string {
  const { url, variables } = isGroup(server) ? server : {};
  if (typeof url !== 'string') return '';
  const filled = url.replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = valueAtKeys(variables, [name, 'default']);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  });
  const path = URL.canParse(filled, 'http://server/') ? new URL(filled, 'http://server/').pathname : '';
  return path.replace(/\/+$/, '');
}

/** The JSON of a body or an answer, whatever it calls itself. */
function jsonMedia(content: Group): Group | undefined {
  const [, media] =
    Object.entries(content).find(([type]) =>
      /^application\/(?:[\w.+-]+\+)?json\b|^\*\/\*|^application\/\*/i.test(type),
    ) ?? [];
  return isGroup(media) ? media : undefined;
}

function isPlace(place: unknown): place is OperationParameter['in'] {
  return place === 'path' || place === 'query' || place === 'header' || place === 'cookie';
}
