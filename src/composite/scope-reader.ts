import { type Path } from '../upstream/config/configuration-source.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { type PartConfig } from './config/composite-config.js';
import { type Place } from './config/place.js';
import { suggestion } from './config/suggestion.js';
import { textFlaw } from './text-meant.js';
import { Expression, ExpressionError, type ScopePath } from './expression.js';
import { literalPattern } from './literal-pattern.js';
import { ValueTemplate } from './value-template.js';

/** The names that expressions may use, right or wrong in themselves. */
export interface ScopeNames {
  readonly params: readonly string[];
  /** Those of them that a request may do without, and that have no default. */
  readonly optionalParams: readonly string[];
  /** Whether there may be others, which could not be read. */
  readonly moreParams: boolean;
  readonly parts: readonly string[];
  /** Whether a request has a body. */
  readonly body: boolean;
}

/** A place at which a part refers to another. */
export interface Reference {
  readonly part: string;
  readonly at: Path;
  /** Where in the text that stands there; undefined where the place as a whole is the reference. */
  readonly offset: number | undefined;
}

/** Words that JMESPath takes for sums and quotients. */
const WORDS = /^\w+(?:[-/]\w+)+$/;
const PATH = /^\w+(?:\.\w+)*$/;

const JOIN_NAMES: readonly string[] = ['item', 'key', 'keys'];

/** Reads the expressions of one part, reports what is wrong with them, and collects what they look at. */
export class ScopeReader {
  /** The other parts it refers to, in the order in which they are read. */
  readonly references: Reference[] = [];
  readonly params = new Set<string>();
  /** Whether it looks at the parameters as a whole, and so at each of them. */
  allParams = false;
  /** Which of `item`, `key` and `keys` it uses. */
  readonly joinNames = new Set<string>();

  constructor(
    private readonly part: PartConfig,
    private readonly names: ScopeNames,
    /** Whether the part could be read: a misspelt key may have meant `values`, or `forEach`. */
    private readonly isSound: boolean,
  ) {}

  /** An expression over the scope as every part has it. */
  condition(text: string, place: Place): Expression | undefined {
    const expression = expressionOr(text, (error) => {
      if (!this.isCutOff(text)) sayFlaw(error, place);
    });
    return this.scoped(expression, text, place, []);
  }

  /** A value of a call: an expression, anything that stands for itself, or lists and groups of both. */
  value(written: unknown, place: Place): ValueTemplate | undefined {
    if (!this.isReadable(written, place)) return undefined;
    return new ValueTemplate(written);
  }

  /** What a variable of the URL stands for by its name alone; undefined if the scope has no such thing. */
  implied(variable: string, place: Place, offset: number): ValueTemplate | undefined {
    if (this.names.params.includes(variable)) {
      this.params.add(variable);
      return new ValueTemplate(`params.${JSON.stringify(variable)}`);
    }
    const path = variable.split('.');
    const [root = ''] = path;
    if (![...this.rootNames, ...JOIN_NAMES].includes(root)) {
      if (this.names.moreParams || !this.isSound) return undefined;
      const nearest = nearestName(root, [...this.names.params, ...this.names.parts]);
      const hint = nearest === undefined ? this.joinHint(root) : `; did you mean ${nearest}?`;
      const expected =
        'a value for it under values, a parameter of that name, or a path into params, body or a part';
      place.unexpectedWithin(offset, `{${variable}}`, expected + hint);
      return undefined;
    }
    if (!this.look(path, place, offset, this.ownJoinNames)) return undefined;
    return new ValueTemplate(path.map((name) => JSON.stringify(name)).join('.'));
  }

  /** Another part it waits for. */
  need(name: string, place: Place): void {
    if (name === this.part.name) place.unexpected('another part: none waits for itself');
    else if (!this.names.parts.includes(name)) {
      place.unexpected(`the name of a part; ${suggestion(name, this.names.parts)}`);
    } else this.references.push({ part: name, at: place.at, offset: undefined });
  }

  private get ownJoinNames(): readonly string[] {
    const { forEach } = this.part;
    if (forEach === undefined) return [];
    return forEach.batch === undefined ? ['item', 'key'] : ['keys'];
  }

  private get rootNames(): readonly string[] {
    return ['params', 'body', ...this.names.parts];
  }

  /** How a call of a join says what it asks for. */
  private joinHint(name: string): string {
    const names = this.ownJoinNames;
    if (names.includes('keys')) return `; for the keys of a batch, values: { ${name}: keys }`;
    return names.includes('key') ? `; {key} is the key of each item, and {item.${name}} a field of it` : '';
  }

  private isReadable(written: unknown, place: Place): boolean {
    if (typeof written === 'string') return this.isMade(written, place);
    if (typeof written !== 'object' || written === null) return true;
    const entries = Array.isArray(written) ? [...written.entries()] : Object.entries(written);
    const readable = entries.map(([key, value]: [PropertyKey, unknown]) =>
      this.isReadable(value, place.below(key)),
    );
    return !readable.includes(false);
  }

  /** Whether a value can be made of it; if not, that is one mistake, whatever is wrong with it. */
  private isMade(text: string, place: Place): boolean {
    const known = [...this.rootNames, ...this.ownJoinNames];
    const isPath = known.some((name) => new RegExp(`(?<![\\w.])${name}\\.`).test(text));
    const expression = expressionOr(text, (error) => {
      if (this.isCutOff(text)) return;
      const flaw = isPath && !text.includes('{') ? undefined : textFlaw(text, [], place);
      if (flaw === undefined) sayFlaw(error, place);
      else place.unexpected(flaw.expected, flaw.found);
    });
    if (expression === undefined) return false;
    const unknown = [...expression.references].filter((name) => ![...known, ...JOIN_NAMES].includes(name));
    const flaw =
      unknown.length === 0 || (!place.holdsVariable && this.isMisspelt(text, unknown, expression))
        ? undefined
        : textFlaw(text, unknown, place);
    if (flaw === undefined) return this.scoped(expression, text, place, this.ownJoinNames) !== undefined;
    place.unexpected(flaw.expected, flaw.found);
    return false;
  }

  /** Whether YAML has taken the rest of a call for a key, which has been said. */
  private isCutOff(text: string): boolean {
    return !this.isSound && text.split('(').length > text.split(')').length;
  }

  /** Whether a value with unknown names is an expression all the same, and no text. */
  private isMisspelt(text: string, unknown: readonly string[], { references }: Expression): boolean {
    if (unknown.length < references.size) return !WORDS.test(text);
    const [name = '', ...others] = unknown;
    const known = [...this.rootNames, ...this.ownJoinNames];
    const isNear = this.names.params.includes(name) || nearestName(name, known) !== undefined;
    return others.length === 0 && isNear && PATH.test(text);
  }

  private scoped(
    expression: Expression | undefined,
    text: string,
    place: Place,
    joinNames: readonly string[],
  ): Expression | undefined {
    if (expression === undefined) return undefined;
    const { paths, referencesAll } = expression;
    if (referencesAll) {
      place.unexpected('a path into params, body or a part: the scope as a whole holds this part too');
      return undefined;
    }
    const known = paths.map((path) => this.look(path, place, offsetOf(text, path), joinNames));
    return known.includes(false) ? undefined : expression;
  }

  /** Takes note of a path into the scope; false (and a report) if it leads nowhere. */
  private look(path: ScopePath, place: Place, offset: number, joinNames: readonly string[]): boolean {
    const [root = '', name] = path;
    if (root === 'params') return this.lookAtParam(name, place, offset);
    if (JOIN_NAMES.includes(root)) return this.lookAtJoin(root, place, offset, joinNames);
    if (root === this.part.name) {
      place.unexpectedWithin(offset, `${root}, the part itself`, 'another one: none waits for itself');
      return false;
    }
    if (root === 'body') {
      if (this.names.body) return true;
      place.unexpectedWithin(offset, 'body', 'params or a part: a GET has no body');
      return false;
    }
    if (!this.names.parts.includes(root)) {
      const ofParams = this.names.params.includes(root) ? `; did you mean params.${root}?` : undefined;
      const nearest = nearestName(root, [...this.rootNames, ...joinNames]);
      const meant = nearest === undefined ? '' : `; did you mean ${nearest}?`;
      const isQuoted = isInDoubleQuotes(root, place);
      const asText = isQuoted ? `; double quotes are for names, text stands in single quotes: '${root}'` : '';
      place.unexpectedWithin(offset, root, `params, body or a part${ofParams ?? (asText || meant)}`);
      return false;
    }
    this.references.push({ part: root, at: place.at, offset });
    return true;
  }

  private lookAtParam(name: string | undefined, place: Place, offset: number): boolean {
    if (name === undefined || name === '*') {
      this.allParams = true;
      return true;
    }
    if (!this.names.params.includes(name)) {
      if (this.names.moreParams) return false;
      const hint = suggestion(name, this.names.params);
      place.unexpectedWithin(offset, `params.${name}`, `a parameter of the composite; ${hint}`);
      return false;
    }
    this.params.add(name);
    return true;
  }

  private lookAtJoin(name: string, place: Place, offset: number, joinNames: readonly string[]): boolean {
    if (joinNames.includes(name)) {
      this.joinNames.add(name);
      return true;
    }
    if (!this.isSound) return false;
    const [instead] = joinNames;
    const expected =
      instead === undefined
        ? 'params, body or a part: item, key and keys are there in what a part with forEach sends'
        : `${joinNames.join(' or ')}: ${instead === 'keys' ? 'a batch asks for several keys at once' : 'each call asks for one key'}`;
    place.unexpectedWithin(offset, name, expected);
    return false;
  }
}

/** An expression; reported and undefined if it is none. */
export function readExpression(text: string, place: Place): Expression | undefined {
  return expressionOr(text, (error) => {
    sayFlaw(error, place);
  });
}

function expressionOr(text: string, say: (error: ExpressionError) => void): Expression | undefined {
  try {
    return new Expression(text);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    say(error);
    return undefined;
  }
}

function sayFlaw(error: ExpressionError, place: Place): void {
  place.flawWithin(error.offset ?? 0, `the expression ${error.message}`);
}

function isInDoubleQuotes(name: string, { value }: Place): boolean {
  return typeof value === 'string' && value.includes(JSON.stringify(name));
}

/** Where the last of these names, one behind the other, stands in a text. */
function offsetOf(text: string, [root = '', name]: ScopePath): number {
  const first = wordAt(text, root, 0);
  if (root !== 'params' || name === undefined || first < 0) return first;
  const second = wordAt(text, name, first + root.length);
  return second < 0 ? first : second;
}

function wordAt(text: string, word: string, from: number): number {
  const found = new RegExp(`(?<![\\w'])${literalPattern(word)}(?![\\w'])`).exec(text.slice(from));
  return found === null ? -1 : from + found.index;
}
