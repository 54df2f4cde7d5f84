import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { type JsonSchema } from './config/composite-config.js';

/** A JSON Schema that cannot be used, or means nothing. */
export class JsonSchemaError extends Error {
  override readonly name = 'JsonSchemaError';
}

/** One place where a value does not fit its schema. It names keys, never values. */
export interface JsonFlaw {
  /** JSON pointer (RFC 6901) to it; '' for the root. */
  readonly pointer: string;
  /** What was expected. */
  readonly detail: string;
}

/** Keywords of OpenAPI's schemas, which say nothing about what fits. */
const OPENAPI_KEYWORDS = ['example', 'xml', 'externalDocs', 'discriminator'];

/** Flaws that are named at once: a list of a thousand may be wrong at each. */
const MAX_FLAWS = 20;

/** Checks values against a JSON Schema (draft 2020-12, with the formats of ajv-formats). Compiled once. */
export class JsonValidator {
  private readonly fits: ValidateFunction;
  private thorough: ValidateFunction | undefined;

  /** @throws JsonSchemaError */
  constructor(
    private readonly schema: JsonSchema,
    /** Whether what is left out is filled in, in the value itself, where the schema has a `default` for it. */
    private readonly fillsIn = false,
  ) {
    this.fits = compiled(fillsIn ? FILLING_FIRST : FIRST_FLAW, schema);
  }

  /** The first flaw; undefined if the value fits. */
  flawOf(value: unknown): JsonFlaw | undefined {
    if (this.fits(value)) return undefined;
    const [error] = this.fits.errors ?? [];
    return error === undefined ? { pointer: '', detail: 'does not fit its schema' } : flawFrom(error);
  }

  /** Every flaw, up to 20; none if the value fits. Costs an object for each: not for what may be large. */
  flawsOf(value: unknown): readonly JsonFlaw[] {
    if (this.fits(value)) return [];
    this.thorough ??= compiled(this.fillsIn ? FILLING_EVERY : EVERY_FLAW, this.schema);
    this.thorough(value);
    const flaws = (this.thorough.errors ?? []).filter(({ keyword }) => !SUMMARIES.has(keyword)).map(flawFrom);
    return flaws.slice(0, MAX_FLAWS);
  }
}

/** They only say that something beneath them does not fit, which is said as well. */
const SUMMARIES: ReadonlySet<string> = new Set(['if', 'propertyNames']);

const FIRST_FLAW = ajv(false, false);
const EVERY_FLAW = ajv(true, false);
const FILLING_FIRST = ajv(false, true);
const FILLING_EVERY = ajv(true, true);

function ajv(allErrors: boolean, useDefaults: boolean): Ajv2020 {
  const validator = new Ajv2020({
    allErrors,
    useDefaults,
    // A misspelt keyword would check nothing.
    strictSchema: true,
    strictTypes: false,
    strictTuples: false,
    allowUnionTypes: true,
    // What an object inherits is none of its data.
    ownProperties: true,
    // Two composites may use schemas of one `$id`.
    addUsedSchema: false,
    logger: false,
  });
  validator.addVocabulary(OPENAPI_KEYWORDS);
  return ajvFormats.default(validator);
}

function compiled(validator: Ajv2020, schema: JsonSchema): ValidateFunction {
  try {
    return validator.compile(schema);
  } catch (error) {
    throw new JsonSchemaError(error instanceof Error ? error.message : 'cannot be used');
  } finally {
    // It would be kept for ever, and a gateway that reloads has another one each time.
    if (typeof schema === 'object') validator.removeSchema(schema);
  }
}

function flawFrom({
  keyword,
  instancePath,
  message = 'does not fit its schema',
  params,
}: ErrorObject): JsonFlaw {
  const { missingProperty, additionalProperty, unevaluatedProperty, allowedValues } = params as Readonly<
    Record<string, unknown>
  >;
  if (typeof missingProperty === 'string') {
    return { pointer: below(instancePath, missingProperty), detail: 'is missing' };
  }
  const unknown = additionalProperty ?? unevaluatedProperty;
  if (typeof unknown === 'string') return { pointer: below(instancePath, unknown), detail: 'is not allowed' };
  if (keyword === 'enum' && Array.isArray(allowedValues)) {
    return { pointer: instancePath, detail: `must be one of ${allowedValues.map(String).join(', ')}` };
  }
  return { pointer: instancePath, detail: message };
}

function below(pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
