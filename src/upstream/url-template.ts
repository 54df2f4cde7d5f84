import { parseTemplate, type PrimitiveValue, type Template } from 'url-template';

/** A value for a template's variable. `null` leaves a query parameter out; anywhere else it is refused. */
export type TemplateValue =
  | PrimitiveValue
  | readonly PrimitiveValue[]
  | Readonly<Record<string, PrimitiveValue | readonly PrimitiveValue[]>>;

export type TemplateValues = Readonly<Record<string, TemplateValue | undefined>>;

/** A template got no usable value for one of its variables, or would have led somewhere else. */
export class UrlTemplateError extends Error {
  override readonly name = 'UrlTemplateError';
}

interface Variable {
  readonly name: string;
  readonly inQuery: boolean;
}

/**
 * An RFC 6570 template for path and query, such as `/orders/{id}{?expand*}`. Values are encoded by their position.
 * A missing value, an empty list, an empty path segment and a segment of dots are refused: each of them would
 * silently ask for something else (`/orders/` is the list of all orders; `?skus=` is every product).
 */
export class UrlTemplate {
  private readonly parsed: Template;
  private readonly variables: readonly Variable[];

  constructor(readonly source: string) {
    if (!source.startsWith('/')) {
      throw new UrlTemplateError(`the URL template '${source}' must start with '/'`);
    }
    this.variables = variablesOf(source);
    this.parsed = parseTemplate(source);
  }

  expand(values: TemplateValues): string {
    for (const variable of this.variables) this.check(variable, values[variable.name]);
    const url =
      this.variables.length === 0
        ? this.source
        : this.parsed.expand(values as Parameters<Template['expand']>[0]);
    if (hasDotSegment(url)) {
      throw new UrlTemplateError(
        `the URL template '${this.source}' would leave its path: a value is '.' or '..'`,
      );
    }
    return url;
  }

  private check({ name, inQuery }: Variable, value: TemplateValue | undefined): void {
    if (value === null && inQuery) return;
    if (value === undefined || value === null) {
      throw new UrlTemplateError(`the URL template '${this.source}' needs a value for '${name}'`);
    }
    if (typeof value === 'object' && isEmpty(value)) {
      throw new UrlTemplateError(`the URL template '${this.source}' got an empty list for '${name}'`);
    }
    if (value === '' && !inQuery) {
      throw new UrlTemplateError(`the URL template '${this.source}' got an empty value for '${name}'`);
    }
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new UrlTemplateError(`the URL template '${this.source}' got ${value} for '${name}'`);
    }
  }
}

function variablesOf(source: string): Variable[] {
  const expressions = [...source.matchAll(/\{([+#./;?&]?)([^{}]+)\}/g)];
  return expressions.flatMap(([, operator = '', list = '']) =>
    list.split(',').map((variable) => ({
      name: variable.replace(/(\*|:\d+)$/, ''),
      inQuery: operator === '?' || operator === '&',
    })),
  );
}

function isEmpty(value: object): boolean {
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}

/** `.` is never percent-encoded, so a value of dots would climb out of its segment; servers decode `%2e` as well. */
function hasDotSegment(url: string): boolean {
  if (!url.includes('.') && !url.includes('%2')) return false;
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return /\/(?:\.|%2e){1,2}(?:\/|$)/i.test(path);
}
