import {
  reservedToo,
  TemplateExpression,
  type TemplateValues,
  UrlTemplateError,
} from './template-expression.js';

export { type TemplateValue, type TemplateValues } from './template-expression.js';

/**
 * An RFC 6570 template for path and query, such as `/orders/{id}{?expand*}`. Values are encoded by their position.
 *
 * A missing value, an empty list, NaN and half a surrogate pair are refused, and in the path an empty value and dot
 * segments: each of them would silently ask for something else (`/orders/` is the list of all orders, `?skus=` every
 * product). An explicit `null` leaves a query parameter out.
 *
 * Where it is stricter than RFC 6570 the reason is the same: no `{#fragment}`, no '?' out of `{+path}`. And `{?a}{&b}`
 * is a query whichever of the two is left out.
 *
 * Own code because it runs in every call: 0.1 us for one variable, where the package url-template takes 1.6 us. The
 * package is what the specs compare it with.
 */
export class UrlTemplate {
  /** The names of its variables, in order, each once. */
  readonly variables: readonly string[];
  /** Those that always need a value: only what stands in `{?...}` or `{&...}` may be left out. */
  readonly indispensable: readonly string[];
  private readonly head: string;
  private readonly steps: readonly Step[];
  private readonly mayHoldSlashes: boolean;

  /** @throws UrlTemplateError */
  constructor(readonly source: string) {
    if (!source.startsWith('/')) throw new UrlTemplateError(source, `must start with '/'`);
    // Literals and what stands in braces take turns.
    const [head = '', ...rest] = source.split(/\{([^{}]*)\}/);
    this.head = this.literal(head);
    const steps: Step[] = [];
    let inQuery = head.includes('?');
    for (let at = 0; at < rest.length; at += 2) {
      const expression = new TemplateExpression(source, rest[at] ?? '', inQuery);
      const literal = this.literal(rest[at + 1] ?? '');
      steps.push({ expression, literal });
      inQuery ||= expression.isQuery || literal.includes('?');
    }
    this.steps = steps;
    this.variables = [...new Set(steps.flatMap(({ expression }) => expression.names))];
    const always = steps.filter(({ expression }) => !expression.isQuery);
    this.indispensable = [...new Set(always.flatMap(({ expression }) => expression.names))];
    this.mayHoldSlashes = steps.some(({ expression }) => expression.mayHoldSlashes);
  }

  /** @throws UrlTemplateError */
  expand(values: TemplateValues): string {
    const url = this.filled(values);
    if (this.mayHoldSlashes || url.includes('.') || url.includes('%2')) this.check(url, values);
    return url;
  }

  private filled(values: TemplateValues): string {
    let url = this.head;
    for (const { expression, literal } of this.steps) url = expression.appendTo(url, values) + literal;
    return url;
  }

  private literal(text: string): string {
    if (/[{}#]/.test(text)) {
      const flaw = text.includes('#')
        ? 'has a fragment, which is never sent'
        : 'has a brace that stands alone';
      throw new UrlTemplateError(this.source, flaw);
    }
    return reservedToo(text);
  }

  private check(url: string, values: TemplateValues): void {
    if (hasDotSegment(url)) {
      throw new UrlTemplateError(this.source, `would leave its path: a value has a segment '.' or '..'`, {
        variables: this.culprits(values, hasDotSegment),
        detail: "must not have a segment '.' or '..'",
      });
    }
    if (this.mayHoldSlashes && hasEmptySegment(url)) {
      throw new UrlTemplateError(this.source, 'would have an empty segment in its path', {
        variables: this.culprits(values, hasEmptySegment),
        detail: 'must not have an empty segment',
      });
    }
  }

  /** The variables of the path whose values make a URL wrong, whatever the others are; all, if it takes several. */
  private culprits(values: TemplateValues, isWrong: (url: string) => boolean): readonly string[] {
    const inPath = this.steps.filter(({ expression }) => expression.inPath);
    const names = [...new Set(inPath.flatMap(({ expression }) => expression.names))];
    const harmless: TemplateValues = { ...values, ...Object.fromEntries(names.map((name) => [name, 'x'])) };
    const alone = names.filter((name) => isWrong(this.filled({ ...harmless, [name]: values[name] })));
    return alone.length > 0 ? alone : names;
  }
}

interface Step {
  readonly expression: TemplateExpression;
  readonly literal: string;
}

function hasDotSegment(url: string): boolean {
  return DOT_SEGMENT.test(pathOf(url));
}

function hasEmptySegment(url: string): boolean {
  return pathOf(url).includes('//');
}

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/**
 * '.' is never percent-encoded, so a value of dots would climb out of its segment. Servers and proxies before them
 * also decode `%2e`, and some decode slashes before they resolve dots, or drop `;parameters` (`/..;/` to Tomcat).
 */
const DOT_SEGMENT = /(?:\/|%2f|%5c)(?:\.|%2e){1,2}(?:\/|;|%2f|%5c|%3b|$)/i;
