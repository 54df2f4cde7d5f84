import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import { type Definitions, type Schema } from './schema-reader.js';
import { type SchemaShape } from './schema-shape.js';
import { isAnything } from './schema-union.js';

// CommonJS: what is its default export depends on who loads it.
const addFormats = ajvFormats as unknown as typeof ajvFormats.default;

/** Types of which no value's text is one of the others'. */
const SCALARS: Readonly<Record<string, ReadonlySet<unknown>>> = {
  boolean: new Set(['boolean', 'string']),
  integer: new Set(['integer', 'number', 'string']),
  number: new Set(['integer', 'number', 'string']),
};

/**
 * Why no value of one schema can stand, as text in a URL, for a parameter of another; undefined if some can, or if
 * that is not certain.
 */
export class ValueConflict {
  constructor(
    private readonly shape: SchemaShape,
    private readonly definitions: Definitions,
  ) {}

  /** @returns what was found, and what the parameter takes */
  between(
    given: Schema,
    declared: Schema,
  ): { readonly found: string; readonly expected: string } | undefined {
    const values = this.shape.variants(this.shape.present(given));
    const refused = values.map((value) => this.refusal(value, declared));
    const [first] = refused;
    const isCertain = first !== undefined && refused.every((refusal) => refusal !== undefined);
    return isCertain ? { found: first, expected: this.described(declared) } : undefined;
  }

  private refusal(given: Schema, declared: Schema): string | undefined {
    if (isAnything(given)) return undefined;
    const known = 'const' in given ? [given['const']] : given['enum'];
    if (Array.isArray(known)) {
      const wrong = (known as unknown[]).filter((value) => !this.fits(value, declared));
      return wrong.length === 0 ? undefined : wrong.map((value) => JSON.stringify(value)).join(', ');
    }
    const { type } = given;
    const takes = this.shape.variants(declared).filter((variant) => variant['type'] !== 'null');
    if (takes.some((variant) => isAnything(variant) || this.mayTake(variant, type))) return undefined;
    return typeof type === 'string' ? `a value of type ${type}` : undefined;
  }

  private mayTake(declared: Schema, type: unknown): boolean {
    if (type === 'array') return declared['type'] !== 'boolean' && !isNumeric(declared['type']);
    const known = typeof type === 'string' && Object.hasOwn(SCALARS, type) ? SCALARS[type] : undefined;
    if (known === undefined) return true;
    if (declared['type'] === 'array') return true;
    return declared['type'] === undefined || known.has(declared['type']);
  }

  /** Whether a value, or what its text may be read as, is valid. */
  private fits(value: unknown, declared: Schema): boolean {
    const text = isScalar(value) ? String(value) : undefined;
    const readings = text === undefined ? [value] : [text, value, [value], [text], ...readingsOf(text)];
    return readings.some((reading) => isValid(reading, declared, this.definitions));
  }

  private described(declared: Schema): string {
    const variants = this.shape.variants(declared);
    const [first = {}] = variants;
    const { enum: values } = first;
    if (Array.isArray(values)) return `one of ${values.map(String).join(', ')}`;
    const types = new Set(variants.map(({ type }) => (isScalar(type) ? String(type) : 'any')));
    const bounds = BOUNDS.flatMap(([keyword, word]) => {
      const bound = first[keyword];
      return isScalar(bound) ? [`${word} ${String(bound)}`] : [];
    });
    return [`a value of type ${[...types].join(' or ')}`, ...bounds].join(' ');
  }
}

const BOUNDS: readonly (readonly [keyword: string, word: string])[] = [
  ['minimum', 'from'],
  ['maximum', 'up to'],
  ['pattern', 'like'],
  ['format', 'of format'],
];

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

let validator: Ajv2020 | undefined;

/** Whether a value fits a schema; true where that cannot be told. */
export function isValid(value: unknown, schema: Schema, definitions: Definitions): boolean {
  validator ??= addFormats(new Ajv2020({ strict: false, logger: false, validateSchema: false }));
  const root = { ...schema, components: { schemas: Object.fromEntries(definitions) } };
  try {
    return validator.validate(root, value);
  } catch {
    return true;
  } finally {
    // It would be kept for ever.
    validator.removeSchema(root);
  }
}

function readingsOf(text: string): readonly unknown[] {
  if (text === 'true' || text === 'false') return [text === 'true'];
  return text.trim() !== '' && Number.isFinite(Number(text)) ? [Number(text), [Number(text)]] : [];
}

function isNumeric(type: unknown): boolean {
  return type === 'integer' || type === 'number';
}
