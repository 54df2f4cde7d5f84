/** A value for a template's variable. `null` leaves a query parameter out; anywhere else it is refused. */
export type TemplateValue = Scalar | null | readonly Scalar[] | Readonly<Record<string, Scalar>>;

export type TemplateValues = Readonly<Record<string, TemplateValue | undefined>>;

type Scalar = string | number | boolean;

/** A template cannot be read, got no usable value for one of its variables, or would have led somewhere else. */
export class UrlTemplateError extends Error {
  override readonly name = 'UrlTemplateError';

  constructor(
    template: string,
    flaw: string,
    /** What is wrong with the value of a variable; undefined where it is the template itself. */
    readonly fault?: TemplateFault,
  ) {
    super(`the URL template '${template}' ${flaw}`);
  }
}

/** What is wrong with the values of some variables. It names neither a value nor the template. */
export interface TemplateFault {
  /** Those that are to blame. */
  readonly variables: readonly string[];
  /** What was expected of them, or found: 'must not be empty'. */
  readonly detail: string;
}

interface Operator {
  /** Written before the first value; the operators of the query choose between '?' and '&' themselves. */
  readonly first: string;
  readonly separator: string;
  /** Whether a value is written after its variable's name: `id=7`. */
  readonly named: boolean;
  readonly encode: (text: string) => string;
}

/** RFC 6570, appendix A. Without `#`: a fragment is never sent. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  '': { first: '', separator: ',', named: false, encode: unreservedOnly },
  '+': { first: '', separator: ',', named: false, encode: reservedToo },
  '.': { first: '.', separator: '.', named: false, encode: unreservedOnly },
  '/': { first: '/', separator: '/', named: false, encode: unreservedOnly },
  ';': { first: ';', separator: ';', named: true, encode: unreservedOnly },
  '?': { first: '?', separator: '&', named: true, encode: unreservedOnly },
  '&': { first: '&', separator: '&', named: true, encode: unreservedOnly },
};

/** An operator, if any, and a list of variables. Names may hold more than RFC 6570 lets them: `page-size`, `page[size]`. */
const EXPRESSION = /^([+./;?&]?)([^\s,:*{}=!@|#+./;?&][^\s{}]*)$/;
const VARIABLE = /^([^,:*]+)(?:(\*)|:([1-9]\d{0,3}))?$/;

/** One `{expression}` of a URL template (RFC 6570, level 4), read once and expanded often. */
export class TemplateExpression {
  /** Whether it writes query parameters. */
  readonly isQuery: boolean;
  /** Whether it stands in the path and lets slashes through: `{+path}`. */
  readonly mayHoldSlashes: boolean;
  /** The names of its variables, in order. */
  readonly names: readonly string[];
  /** Whether it stands in the path. */
  readonly inPath: boolean;
  private readonly operator: Operator;
  private readonly variables: readonly Variable[];

  /**
   * @param text what stands between the braces
   * @param inQuery whether a '?' stands before it
   */
  constructor(template: string, text: string, inQuery: boolean) {
    const [, sign = '', list = ''] = EXPRESSION.exec(text) ?? [];
    const operator = OPERATORS[sign];
    if (list === '' || operator === undefined)
      throw new UrlTemplateError(template, `cannot have '{${text}}'`);
    this.operator = operator;
    this.isQuery = sign === '?' || sign === '&';
    this.mayHoldSlashes = sign === '+' && !inQuery;
    this.inPath = !inQuery && !this.isQuery;
    const place = { template, operator, inPath: this.inPath, mayBeLeftOut: this.isQuery };
    this.variables = list.split(',').map((variable) => new Variable(place, variable));
    this.names = this.variables.map(({ name }) => name);
  }

  /** The URL so far, with this expression behind it. */
  appendTo(url: string, values: TemplateValues): string {
    const { first, separator } = this.operator;
    let result = url;
    let lead = this.isQuery ? (url.includes('?') ? '&' : '?') : first;
    for (const variable of this.variables) {
      const written = variable.expand(values);
      if (written === undefined) continue;
      result += lead + written;
      lead = separator;
    }
    return result;
  }
}

interface Place {
  readonly template: string;
  readonly operator: Operator;
  readonly inPath: boolean;
  readonly mayBeLeftOut: boolean;
}

/** One variable of an expression, at its place. */
class Variable {
  readonly name: string;
  private readonly explode: boolean;
  private readonly maxLength: number | undefined;
  /** `name=` where the operator wants one. */
  private readonly label: string;

  constructor(
    private readonly place: Place,
    text: string,
  ) {
    const [, name, star, maxLength] = VARIABLE.exec(text) ?? [];
    if (name === undefined) throw new UrlTemplateError(place.template, `cannot have the variable '${text}'`);
    this.name = name;
    this.explode = star !== undefined;
    this.maxLength = maxLength === undefined ? undefined : Number(maxLength);
    this.label = place.operator.named ? `${unreservedOnly(name)}=` : '';
  }

  /** What is written for its value; undefined for nothing at all. */
  expand(values: TemplateValues): string | undefined {
    const value = Object.hasOwn(values, this.name) ? values[this.name] : undefined;
    if (value === undefined) return this.refuse('needs a value for', 'is missing');
    if (value === null)
      return this.place.mayBeLeftOut ? undefined : this.refuse('needs a value for', 'is missing');
    if (typeof value !== 'object') return this.label + this.scalar(value);
    if (this.maxLength !== undefined) return this.refuse('cannot shorten a list for', 'must be one value');
    return isList(value) ? this.list(value) : this.record(Object.entries(value));
  }

  private scalar(value: Scalar): string {
    const text = this.textOf(value);
    return this.encoded(
      this.maxLength === undefined ? text : Array.from(text).slice(0, this.maxLength).join(''),
    );
  }

  private list(values: readonly Scalar[]): string {
    if (values.length === 0) return this.refuse('got an empty list for', NOT_EMPTY);
    const written = values.map((value) => this.encoded(this.textOf(value)));
    if (!this.explode) return this.label + written.join(',');
    return this.label + written.join(this.place.operator.separator + this.label);
  }

  private record(entries: readonly [string, Scalar][]): string {
    if (entries.length === 0) return this.refuse('got an empty record for', NOT_EMPTY);
    const join = this.explode ? '=' : ',';
    const written = entries.map(
      ([key, value]) =>
        this.encoded(this.textOf(key), unreservedOnly) + join + this.encoded(this.textOf(value)),
    );
    if (this.explode) return written.join(this.place.operator.separator);
    return this.label + written.join(',');
  }

  private textOf(value: unknown): string {
    if (typeof value === 'string') {
      return value === '' && this.place.inPath ? this.refuse('got an empty value for', NOT_EMPTY) : value;
    }
    if (typeof value === 'boolean' || Number.isFinite(value)) return String(value);
    return this.refuse(
      `got ${typeof value === 'number' || value === null ? String(value) : typeof value} for`,
      'must consist of text, numbers and booleans',
    );
  }

  private encoded(text: string, encode = this.place.operator.encode): string {
    try {
      const written = encode(text);
      // Reserved expansion is for slashes and the like: it must neither end the path nor the URL.
      if (encode === reservedToo && (this.place.inPath ? /[?#]/ : /#/).test(written)) {
        return this.refuse("got '?' or '#' for", "must not have '?' or '#'");
      }
      return written;
    } catch (error) {
      if (error instanceof URIError)
        return this.refuse('got half a surrogate pair for', 'has half a surrogate pair');
      throw error;
    }
  }

  private refuse(flaw: string, detail: string): never {
    const fault = { variables: [this.name], detail };
    throw new UrlTemplateError(this.place.template, `${flaw} '${this.name}'`, fault);
  }
}

const NOT_EMPTY = 'must not be empty';

// Array.isArray does not narrow readonly arrays away.
function isList(value: object): value is readonly Scalar[] {
  return Array.isArray(value);
}

const UNRESERVED = /^[\w.~-]*$/;

/** Everything but RFC 3986's unreserved characters, percent-encoded. */
export function unreservedOnly(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replace(/[!'()*]/g, percentEncoded);
}

/** Lets reserved characters and percent-encoded triplets through as well; for literals and `{+name}`. */
export function reservedToo(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURI(text)
    .replace(/%5B/g, '[')
    .replace(/%5D/g, ']')
    .replace(/%25(?=[0-9A-Fa-f]{2})/g, '%');
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
