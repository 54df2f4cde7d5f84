/** Stands for a value in a path; it can stand in no URL. */
export const HOLE = '\0';

/** What is known of a call's URL before it is made. */
export interface CallOutline {
  /** With a HOLE for each value; undefined where a value may be several segments. */
  readonly path: string | undefined;
  /** The variables of its holes, in order. */
  readonly pathVariables: readonly string[];
  readonly query: readonly QueryField[];
}

/** A parameter in the query of a template. */
export interface QueryField {
  readonly name: string;
  /** The variable it gets its value from; undefined where the value is written in the template. */
  readonly variable: string | undefined;
  /** As it is written; undefined for that of a variable. */
  readonly value: string | undefined;
  /** `{?filter*}`: of an object, each key is a parameter of its own. */
  readonly isExploded: boolean;
}

const EXPRESSION = /\{([+./;?&]?)([^{}]*)\}/g;
/** `{+path}` and `{/path*}`. */
const SEVERAL_SEGMENTS = /\{\+|\{[^{}]*\*/;
const VARIABLE = /^([^,:*]+)(\*)?(?::\d+)?$/;

/** Reads an RFC 6570 template. */
export function callOutline(template: string): CallOutline {
  const [pathText, queryText] = halves(template);
  const pathVariables: string[] = [];
  const path = pathText.replace(EXPRESSION, (_, operator: string, list: string) => {
    const holes = variablesOf(list).map(({ name }) => {
      pathVariables.push(name);
      return HOLE;
    });
    const separator = operator === '/' || operator === '.' ? operator : ',';
    return (separator === ',' ? '' : separator) + holes.join(separator);
  });
  return {
    path: SEVERAL_SEGMENTS.test(pathText) ? undefined : path,
    pathVariables,
    query: queryFields(queryText),
  };
}

/** Where the query begins, with a '?' or an expression of the query. */
function halves(template: string): readonly [string, string] {
  const start = /\?|\{&/.exec(template)?.index ?? template.length;
  const isExpression = template.charAt(start - 1) === '{';
  const at = isExpression ? start - 1 : start;
  return [template.slice(0, at), template.slice(at)];
}

function queryFields(text: string): readonly QueryField[] {
  const fields: QueryField[] = [];
  const literals = text.replace(EXPRESSION, (expression, operator: string, list: string) => {
    if (operator !== '?' && operator !== '&') return HOLE + expression + HOLE;
    for (const { name, isExploded } of variablesOf(list)) {
      fields.push({ name, variable: name, value: undefined, isExploded });
    }
    return '';
  });
  for (const pair of literals.replace(/^\?/, '').split('&')) {
    if (pair === '') continue;
    const [name = '', value = ''] = pair.split(/=(.*)/s);
    if (name.includes(HOLE)) continue;
    const variable = /^\0\{[+]?([^{},:*]+)\}\0$/.exec(value)?.[1];
    if (variable === undefined && value.includes(HOLE)) {
      fields.push({ name: decoded(name), variable: undefined, value: undefined, isExploded: false });
    } else {
      const written = variable === undefined ? decoded(value) : undefined;
      fields.push({ name: decoded(name), variable, value: written, isExploded: false });
    }
  }
  return fields;
}

function variablesOf(list: string): readonly { readonly name: string; readonly isExploded: boolean }[] {
  return list.split(',').flatMap((text) => {
    const [, name, star] = VARIABLE.exec(text) ?? [];
    return name === undefined ? [] : [{ name, isExploded: star !== undefined }];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
