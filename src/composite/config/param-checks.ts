import { type CompositeConfig, type ParamConfig } from './composite-config.js';
import { checkJsonSchema, misfit } from './json-schema-check.js';
import { type Place } from './place.js';
import { routeParameters } from './route.js';
import { suggestion } from './suggestion.js';

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The types for whose values a word of JSON Schema says anything. */
const TYPES_OF_WORDS: Readonly<Record<string, readonly string[]>> = {
  minLength: ['string'],
  maxLength: ['string'],
  pattern: ['string'],
  format: ['string', 'integer', 'number'],
  minimum: ['integer', 'number'],
  maximum: ['integer', 'number'],
  items: ['array'],
  minItems: ['array'],
  maxItems: ['array'],
};

const RANGES = [
  ['minimum', 'maximum'],
  ['minLength', 'maxLength'],
  ['minItems', 'maxItems'],
] as const;

/** Reports what is wrong with the parameters of a composite. */
export function checkParams(composite: CompositeConfig, place: Place): void {
  const { params, route, sparse } = composite;
  const inRoute = route === '' ? undefined : routeParameters(route);
  const taken = new Map<string, string>();
  const all = place.below('params');
  // It has got lost before the file was read.
  if (all.has('__proto__'))
    all.below('__proto__').unexpectedKey('it as the name of a parameter', 'another name');
  for (const param of params) {
    const at = place.below('params', param.name);
    if (at.report.has(at.at)) continue;
    checkName(param, at);
    if (inRoute !== undefined) checkPlace(param, inRoute, at);
    checkWords(param, at);
    const aliasAt = at.has('alias') ? at.below('alias') : at;
    const key = `${param.in} ${param.alias}`;
    const earlier = taken.get(key);
    if (earlier === undefined) taken.set(key, param.name);
    else
      aliasAt.unexpectedKey(
        `a second parameter of the same name in the ${param.in}`,
        `each once: ${earlier} has it already`,
      );
    if (sparse && param.in === 'query' && param.alias === 'fields') {
      aliasAt.unexpectedKey(
        'the query parameter fields',
        'another name, or sparse: false: ?fields= asks for some of the answer',
      );
    }
  }
}

function checkName({ name, alias, in: where }: ParamConfig, at: Place): void {
  if (!NAME.test(name)) {
    at.unexpectedKey(
      `${JSON.stringify(name)} as the name of a parameter`,
      'letters, digits, _ and -, beginning with a letter; what the request calls it may stand under alias',
    );
  } else if ((where === 'header' || where === 'cookie') && !TOKEN.test(alias)) {
    at.below('alias').unexpected(`the name of a ${where}, without spaces or separators`);
  }
}

/** Whether the route and the parameter agree on each other. */
function checkPlace(param: ParamConfig, inRoute: readonly string[], at: Place): void {
  const { name, alias, in: where } = param;
  if (where === 'path') {
    if (!inRoute.includes(alias)) {
      const hint = suggestion(alias, inRoute);
      (at.has('in') ? at.below('in') : at).unexpected(`{${alias}} in the route; ${hint}`, 'path');
      return;
    }
    if (at.has('default')) {
      at.below('default').unexpectedKey('a default', 'none: a parameter of the route is always there');
    }
    if (at.has('required') && !param.required) {
      at.below('required').unexpected('true or nothing: a parameter of the route is always there');
    }
    if (param.schema['type'] === 'array')
      at.below('type').unexpected('one value: it is one segment of the route');
    return;
  }
  if (inRoute.includes(name)) {
    at.below('in').unexpected(`path, or another name: {${name}} stands in the route`);
  } else if (param.required && at.has('default')) {
    at.below('default').unexpectedKey(
      'a default',
      'none, or required: false: a required parameter is always there',
    );
  }
}

/** Whether the words of JSON Schema fit each other. */
function checkWords({ schema, at: path }: ParamConfig, at: Place): void {
  if (at.report.has(path)) return;
  checkMeaning(schema, at);
  const { items } = schema;
  if (typeof items === 'object' && items !== null) {
    checkMeaning({ type: 'string', ...items }, at.below('items'));
  }
  if (at.report.has(path)) return;
  const { default: preset, ...rules } = schema;
  checkJsonSchema(rules, at);
  if (at.report.has(path)) return;
  checkEnum(schema, at);
  const flaw = preset === undefined || preset === null ? undefined : misfit(preset, rules);
  if (flaw !== undefined)
    at.below('default').unexpected(`a value that the parameter itself may have: it ${flaw}`);
}

function checkMeaning(schema: Readonly<Record<string, unknown>>, at: Place): void {
  const type = String(schema['type']);
  for (const word of Object.keys(schema)) {
    const types = TYPES_OF_WORDS[word];
    if (types !== undefined && !types.includes(type)) {
      const found = at.has('type') ? `type: ${type}` : 'the type string, since no type is written';
      at.below(word).unexpectedKey(`it with ${found}`, `it only with type: ${types.join(' or ')}`);
    }
  }
  for (const [least, most] of RANGES) {
    const [from, to] = [schema[least], schema[most]];
    if (typeof from === 'number' && typeof to === 'number' && from > to) {
      at.below(least).unexpected(`at most ${most}, which is ${to}`);
    }
  }
}

function checkEnum({ type, enum: values }: Readonly<Record<string, unknown>>, at: Place): void {
  if (!Array.isArray(values)) return;
  if (values.length === 0) at.below('enum').unexpected('at least one value');
  for (const [index, value] of values.entries()) {
    if (misfit(value, { type }) !== undefined)
      at.below('enum', index).unexpected(`a value of type ${String(type)}`);
  }
}
