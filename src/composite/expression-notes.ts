import { type CompositeConfig, type PartConfig } from './config/composite-config.js';
import { namesComparedAsText } from './expression-syntax.js';
import { type ForecastNote } from './forecast-notes.js';
import { CompositeShape } from './openapi/composite-shape.js';
import { propertiesOf } from './openapi/schema-shape.js';
import { unknownFields } from './openapi/unknown-fields.js';
import { type CompositePlan } from './plan.js';

/** Expressions that are right, but probably mean something else than they say. */
export function expressionNotes({ config, operations = new Map() }: CompositePlan): readonly ForecastNote[] {
  const shape = new CompositeShape(config, operations, new Map());
  return config.parts.flatMap((part) => [
    ...rootNotes(part, config, shape),
    ...quoteNotes(part),
    ...fieldNotes(part, shape),
  ]);
}

/** A `select` looks at the answer of its own call, which may have a field of that name: or the part was meant. */
function rootNotes(
  part: PartConfig,
  { parts }: CompositeConfig,
  shape: CompositeShape,
): readonly ForecastNote[] {
  const { select, name: own } = part;
  const [, root = ''] = /^\s*(\w+)(?:\.\w+)?\s*$/.exec(select ?? '') ?? [];
  const isPart = root !== own && parts.some(({ name }) => name === root);
  const isKnown = shape.shape
    .variants(shape.answer(part))
    .some((variant) => Object.hasOwn(propertiesOf(variant), root));
  if (!isPart || isKnown) return [];
  const message = `select looks at the answer of its own call only: ${root} is a field of that here, not the part ${root}`;
  return [{ level: 'warning', part: own, message }];
}

/** Documents seldom say that there are no other fields than those they list. */
function fieldNotes(part: PartConfig, shape: CompositeShape): readonly ForecastNote[] {
  return unknownFields(part, shape).map(({ at, name, expected }) => {
    const key = at.slice(part.at.length).filter((step) => typeof step === 'string');
    const message = `${key.join('.')} names ${name}, which the schema of its answer does not list; expected ${expected}`;
    return { level: 'warning', part: part.name, message };
  });
}

function quoteNotes(part: PartConfig): readonly ForecastNote[] {
  const { name, select, when, forEach, values, headers, body, idempotencyKey } = part;
  const texts = [select, when, forEach?.items, forEach?.key, forEach?.batch?.key];
  const written = textsIn([texts, values, headers, body, idempotencyKey]);
  const quoted = new Set(written.flatMap(namesIn));
  return [...quoted].map((text) => ({
    level: 'warning',
    part: name,
    message: `"${text}" is compared as the name of a field: for the text itself write '${text}', in single quotes`,
  }));
}

function namesIn(expression: string): readonly string[] {
  try {
    return namesComparedAsText(expression);
  } catch {
    return [];
  }
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
