import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { JsonSchemaError, JsonValidator } from '../json-validator.js';
import { type JsonSchema } from './composite-config.js';
import { type Place } from './place.js';

/** What JSON Schema says of schemas themselves, and the names it knows. */
const META = ajvFormats.default(new Ajv2020({ strict: false, logger: false }));

/** Reports what is wrong with a JSON Schema, and where in it. */
export function checkJsonSchema(schema: JsonSchema, place: Place, fillsIn = false): void {
  const [error] = META.validateSchema(schema) === true ? [] : (META.errors ?? []);
  if (error === undefined) checkCompilation(schema, place, fillsIn);
  else {
    const at = place.below(...steps(error.instancePath, schema));
    at.unexpected(`what JSON Schema has there: this ${flawIn(error)}`);
  }
}

/** How a value does not fit a schema; undefined if it does, or if the schema is none. */
export function misfit(value: unknown, schema: JsonSchema): string | undefined {
  try {
    return new JsonValidator(schema).flawOf(value)?.detail;
  } catch {
    return undefined;
  }
}

function checkCompilation(schema: JsonSchema, place: Place, fillsIn: boolean): void {
  try {
    new JsonValidator(schema, fillsIn);
  } catch (error) {
    if (!(error instanceof JsonSchemaError)) throw error;
    const { message } = error;
    const [, keyword] = /unknown keyword: "(.*)"/.exec(message) ?? [];
    if (keyword !== undefined) reportKeyword(keyword, schema, place);
    else if (message.includes('default is ignored')) {
      const expected = 'defaults that are: none below anyOf, oneOf, not or if';
      place.unexpected(expected, 'a default that is never applied');
    } else reportValue(message, schema, place);
  }
}

function reportKeyword(keyword: string, schema: JsonSchema, place: Place): void {
  const path = pathTo(schema, (key) => key === keyword) ?? [];
  const nearest = nearestName(keyword, Object.keys(META.RULES.all));
  const hint = nearest === undefined ? 'expected one of JSON Schema' : `did you mean ${nearest}?`;
  place.report.add([...place.at, ...path], 'key', `unknown key; ${hint}`);
}

function reportValue(message: string, schema: JsonSchema, place: Place): void {
  const [, format] = /unknown format "(.*?)"/.exec(message) ?? [];
  const [, pattern] = /^Invalid regular expression: \/(.*)\/u?: /s.exec(message) ?? [];
  const [, reference] = /can't resolve reference (\S+)/.exec(message) ?? [];
  const culprit = format ?? pattern ?? reference;
  const at = place.below(...(pathTo(schema, (_, value) => culprit !== undefined && value === culprit) ?? []));
  if (format !== undefined) {
    const known = Object.keys(META.formats);
    const nearest = nearestName(format, known);
    const hint = nearest === undefined ? `they are ${known.join(', ')}` : `did you mean ${nearest}?`;
    at.unexpected(`a format of JSON Schema; ${hint}`);
  } else if (pattern !== undefined)
    at.unexpected(`a regular expression; ${message.split(': ').at(-1) ?? ''}`);
  else at.unexpected(`a schema that can be used: ${message}`);
}

function flawIn({ message = 'does not fit', params }: ErrorObject): string {
  const { allowedValues } = params as { readonly allowedValues?: readonly unknown[] };
  return allowedValues === undefined ? message : `must be one of ${allowedValues.map(String).join(', ')}`;
}

/** The keys that a JSON pointer stands for. */
function steps(pointer: string, within: unknown): readonly PropertyKey[] {
  const path: PropertyKey[] = [];
  let current = within;
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(current) ? Number(key) : key);
    current = (current as Readonly<Record<string, unknown>>)[key];
  }
  return path;
}

/** The keys that lead to the first entry that is looked for. */
function pathTo(
  value: unknown,
  isIt: (key: PropertyKey, value: unknown) => boolean,
): readonly PropertyKey[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  for (const [key, item] of entries as Iterable<[PropertyKey, unknown]>) {
    if (isIt(key, item)) return [key];
    const below = pathTo(item, isIt);
    if (below !== undefined) return [key, ...below];
  }
  return undefined;
}
