import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { isGroup, pointerKeys, valueAtKeys } from '../schema-reader.js';

// CommonJS: what is its default export depends on who loads it.
const addFormats = ajvFormats as unknown as typeof ajvFormats.default;

type Group = Readonly<Record<string, unknown>>;

interface Root {
  readonly openapi?: string;
  readonly info?: Group;
  readonly paths?: Group;
  readonly components?: Group;
}

const VERBS = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
const LOCATIONS = new Set(['path', 'query', 'header', 'cookie']);

/** What is wrong with an OpenAPI 3.1 document, as far as the specification can be checked without its own schema. */
export function documentFlaws(document: unknown): readonly string[] {
  return new DocumentReview(document).flaws;
}

/** A validator of schemas that stand in the document, by JSON pointer. */
export function schemaValidator(document: unknown): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats(ajv);
  return ajv.addSchema({ $id: 'document', ...(document as object) });
}

class DocumentReview {
  readonly flaws: string[] = [];
  private readonly ajv: Ajv2020;
  private readonly operationIds = new Set<unknown>();

  constructor(private readonly document: unknown) {
    this.ajv = schemaValidator(document);
    this.checkReferences(document, '#');
    const { openapi, info = {}, paths = {}, components = {} } = document as Root;
    this.expect(/^3\.1\.\d+$/.test(openapi ?? ''), 'openapi is a version 3.1');
    this.expect(isText(info['title']) && isText(info['version']), 'info has a title and a version');
    for (const [path, item] of Object.entries(paths)) this.checkPath(path, item as Group);
    for (const [name, schema] of Object.entries((components['schemas'] ?? {}) as Group)) {
      this.expect(/^[\w.-]+$/.test(name), `the schema ${name} has a name that is allowed`);
      this.checkSchema(schema, `components.schemas.${name}`, `#/components/schemas/${name}`);
    }
  }

  private checkPath(path: string, item: Group): void {
    this.expect(path.startsWith('/'), `${path} begins with a slash`);
    const inPath = [...path.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name);
    for (const [verb, operation] of Object.entries(item)) {
      const at = `${verb} ${path}`;
      this.expect(VERBS.has(verb), `${at} is a verb`);
      this.checkOperation(operation as Group, at, inPath);
    }
  }

  private checkOperation(operation: Group, at: string, inPath: readonly (string | undefined)[]): void {
    const { operationId, parameters = [], responses = {}, requestBody, security = [] } = operation;
    this.expect(!this.operationIds.has(operationId), `${at} has an operationId of its own`);
    this.operationIds.add(operationId);
    const known = new Set<string>();
    for (const written of parameters as readonly Group[]) {
      const { name, in: place, required, schema, content } = this.resolved(written);
      const key = `${String(place)} ${String(name)}`;
      this.expect(isText(name) && LOCATIONS.has(String(place)), `${at} has parameters with names and places`);
      this.expect(!known.has(key), `${at} has ${key} once`);
      this.expect(place !== 'path' || required === true, `${at} requires ${key}`);
      this.expect((schema === undefined) !== (content === undefined), `${at} says what ${key} may be`);
      if (schema !== undefined) this.checkSchema(schema, `${at} ${key}`);
      known.add(key);
    }
    const declared = [...known].filter((key) => key.startsWith('path ')).map((key) => key.slice(5));
    this.expect(sameNames(declared, inPath), `${at} declares the parameters of its path, and no others`);
    this.expect(Object.keys(responses as Group).length > 0, `${at} has responses`);
    for (const [status, written] of Object.entries(responses as Group)) {
      const { description, headers = {}, content = {} } = this.resolved(written as Group);
      this.expect(/^[1-5](?:\d\d|XX)$|^default$/.test(status), `${at} ${status} is a status`);
      this.expect(isText(description), `${at} ${status} has a description`);
      for (const header of Object.values(headers as Group)) {
        this.expect('schema' in this.resolved(header as Group), `${at} ${status} has headers with schemas`);
      }
      this.checkContent(content as Group, `${at} ${status}`);
    }
    if (requestBody !== undefined) {
      const { content } = this.resolved(requestBody as Group);
      this.expect(content !== undefined, `${at} has a body with content`);
      this.checkContent((content ?? {}) as Group, `${at} body`);
    }
    const schemes = valueAtKeys(this.document, ['components', 'securitySchemes']) ?? {};
    for (const name of (security as readonly Group[]).flatMap((one) => Object.keys(one))) {
      this.expect(Object.hasOwn(schemes, name), `${at} asks for ${name}, which is described`);
    }
  }

  private checkContent(content: Group, at: string): void {
    for (const [type, media] of Object.entries(content)) {
      this.expect(/^[\w.+-]+\/[\w.+-]+$/.test(type), `${at} has the media type ${type}`);
      const { schema } = media as Group;
      if (schema !== undefined) this.checkSchema(schema, `${at} ${type}`);
    }
  }

  private checkSchema(schema: unknown, at: string, pointer?: string): void {
    this.expect(!('nullable' in (schema as object)), `${at} is no schema of OpenAPI 3.0`);
    try {
      if (this.ajv.validateSchema(schema as object) !== true) {
        throw new Error(this.ajv.errorsText(this.ajv.errors));
      }
      this.ajv.compile(pointer === undefined ? absolute(schema) : { $ref: `document${pointer}` });
    } catch (error) {
      this.flaws.push(`not so: ${at} has a schema that can be read (${(error as Error).message})`);
    }
  }

  private checkReferences(value: unknown, at: string): void {
    if (Array.isArray(value)) {
      for (const [index, one] of value.entries()) this.checkReferences(one, `${at}/${index}`);
    } else if (isGroup(value)) {
      const { $ref } = value;
      if (typeof $ref === 'string') {
        const keys = pointerKeys($ref);
        const target = keys && valueAtKeys(this.document, keys);
        this.expect(target !== undefined, `${at} refers to something: ${$ref}`);
      }
      for (const [key, one] of Object.entries(value)) this.checkReferences(one, `${at}/${key}`);
    }
  }

  private resolved(value: Group): Group {
    const { $ref } = value;
    if (typeof $ref !== 'string') return value;
    return valueAtKeys(this.document, pointerKeys($ref) ?? []) as Group;
  }

  private expect(isSo: boolean, what: string): void {
    if (!isSo) this.flaws.push(`not so: ${what}`);
  }
}

/** With references that are found from anywhere. */
export function absolute(schema: unknown): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#', '"$ref":"document#')) as object;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function sameNames(ones: readonly unknown[], others: readonly unknown[]): boolean {
  return ones.length === others.length && ones.every((one) => others.includes(one));
}
