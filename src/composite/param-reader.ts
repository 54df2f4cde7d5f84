import { type RequestFlaw } from '../aggregation/request-problem.js';
import { type IncomingHeaders } from '../upstream/request-context.js';
import { type ParamConfig } from './config/composite-config.js';
import { numberIn } from './json-number.js';
import { JsonValidator } from './json-validator.js';
import { decodedQuery, type RequestQuery } from './request-query.js';

/** Where the parameters of one request stand. */
export interface ParamSource {
  /** Decoded. */
  readonly path: Readonly<Record<string, string | undefined>>;
  readonly query: RequestQuery;
  readonly headers: IncomingHeaders;
  readonly cookies: ReadonlyMap<string, string>;
}

/** A value that was read, or what is wrong with it: one of the two. */
interface Reading {
  readonly value?: unknown;
  readonly flaw?: string;
}

/** Reads one parameter of a request, as OpenAPI has it: `form` in the query, `simple` elsewhere. Made once. */
export class ParamReader {
  private readonly validator: JsonValidator;
  private readonly isList: boolean;
  private readonly type: TextType;
  private readonly absent: Reading;

  /** @throws JsonSchemaError */
  constructor(private readonly config: ParamConfig) {
    const { schema, required } = config;
    this.validator = new JsonValidator(schema);
    this.isList = schema['type'] === 'array';
    const { type } = (this.isList ? (schema['items'] ?? {}) : schema) as { readonly type?: unknown };
    this.type = TYPES.get(type) ?? TEXT;
    this.absent = required ? { flaw: 'is missing' } : { value: schema['default'] ?? null };
  }

  /** The value, null where there is none; what is wrong with it goes to `flaws`. */
  read(source: ParamSource, flaws: RequestFlaw[]): unknown {
    const { in: place, alias } = this.config;
    const { value, flaw } = this.reading(source);
    if (flaw !== undefined) flaws.push({ in: place, name: alias, detail: flaw });
    return value ?? null;
  }

  private reading(source: ParamSource): Reading {
    const { in: place, alias } = this.config;
    switch (place) {
      case 'path':
        return this.ofText(own(source.path, alias));
      case 'query':
        return this.ofQuery(source.query.encoded(alias));
      case 'header':
        return this.ofText(headerText(own(source.headers, alias)));
      case 'cookie':
        return this.ofText(source.cookies.get(alias));
    }
  }

  /** Repeated, or in one value with commas: an encoded comma separates nothing. */
  private ofQuery(encoded: readonly string[]): Reading {
    if (encoded.length === 0) return this.absent;
    if (!this.isList && encoded.length > 1) return { flaw: 'is given more than once' };
    const written = this.isList
      ? encoded.flatMap((value) => (value === '' ? [] : value.split(',')))
      : encoded;
    const texts: string[] = [];
    for (const value of written) {
      const text = decodedQuery(value);
      if (text === undefined) return { flaw: 'is not encoded as UTF-8 with percent signs' };
      texts.push(text);
    }
    return this.isList ? this.ofTexts(texts) : this.ofText(texts[0]);
  }

  private ofText(text: string | undefined): Reading {
    if (text === undefined) return this.absent;
    if (this.isList) return this.ofTexts(text === '' ? [] : text.split(',').map((item) => item.trim()));
    const value = this.type.read(text);
    return value === undefined ? { flaw: `must be ${this.type.expected}` } : this.checked(value);
  }

  private ofTexts(texts: readonly string[]): Reading {
    // `?tags=` is how a form says that it has none.
    if (texts.length === 0) return this.absent;
    const values: unknown[] = [];
    for (const text of texts) {
      const value = this.type.read(text);
      if (value === undefined)
        return { flaw: `must be a list of values each of which is ${this.type.expected}` };
      values.push(value);
    }
    return this.checked(values);
  }

  private checked(value: unknown): Reading {
    const flaw = this.validator.flawOf(value);
    if (flaw === undefined) return { value };
    return {
      flaw: flaw.pointer === '' ? flaw.detail : `${flaw.detail} (item ${Number(flaw.pointer.slice(1)) + 1})`,
    };
  }
}

/** What the request has under a name; what an object inherits was not sent. */
function own<T>(sent: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(sent, name) ? sent[name] : undefined;
}

function headerText(field: string | readonly string[] | undefined): string | undefined {
  return typeof field === 'string' || field === undefined ? field : field.join(', ');
}

/** How a text is read as a value of a type. */
interface TextType {
  readonly expected: string;
  /** Undefined if the text is no such value. */
  read(text: string): unknown;
}

/** As JSON writes them: what is let through here means the same to whoever gets it (`1e3`, `0x10`, ` 5` do not). */
const INTEGER = /^-?(?:0|[1-9]\d*)$/;

const TEXT: TextType = { expected: 'text', read: (text) => text };

const TYPES: ReadonlyMap<unknown, TextType> = new Map([
  ['string', TEXT],
  ['integer', { expected: 'a whole number (of no more than 53 bits)', read: integerIn }],
  ['number', { expected: 'a number', read: realIn }],
  ['boolean', { expected: 'true or false', read: booleanIn }],
]);

function integerIn(text: string): number | undefined {
  const value = Number(text);
  // One that is too large would arrive as another one. And 0 is added because there is a -0.
  return INTEGER.test(text) && Number.isSafeInteger(value) ? value + 0 : undefined;
}

function realIn(text: string): number | undefined {
  const value = numberIn(text);
  return value === undefined ? undefined : value + 0;
}

function booleanIn(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}
