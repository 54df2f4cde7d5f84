import { z } from 'zod';
import { gatewaySchema } from '../../upstream/config/gateway-schema.js';
import { compositesSchema } from './composite-schema.js';

type JsonObject = Record<string, unknown>;

const VARIABLE = { $ref: '#/$defs/variable' };

/**
 * JSON Schema (draft 2020-12) of a gateway file as it is written, `${VARIABLES}` and all: with it editors complete keys,
 * describe them and warn of others. What it cannot say (whether a part exists, say) is checked when the file loads.
 */
export function gatewayJsonSchema(): JsonObject {
  const { $schema, ...schema } = z.toJSONSchema(gatewaySchema.extend(compositesSchema.shape), {
    io: 'input',
    target: 'draft-2020-12',
    // Conditions in code: what they leave open is said by the types around them.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (isScalar(zodSchema, jsonSchema)) orVariable(jsonSchema);
      // Keys are what they are: variables stand in values only.
      if (jsonSchema.propertyNames !== undefined) {
        jsonSchema.propertyNames = withoutVariable(jsonSchema.propertyNames as JsonObject);
      }
    },
  });
  return {
    $schema,
    title: 'A gateway file of Tributary',
    ...(flattened(schema) as JsonObject),
    $defs: {
      variable: {
        description: 'Environment variables: ${NAME}, or ${NAME:-default}.',
        type: 'string',
        pattern: '\\$\\{[A-Za-z_]',
      },
    },
  };
}

/** Whether a text with a variable in it would not fit as it is. */
function isScalar({ _zod: { def } }: z.core.$ZodTypes, { pattern }: JsonObject): boolean {
  return def.type === 'number' || def.type === 'boolean' || def.type === 'enum' || pattern !== undefined;
}

function orVariable(schema: JsonObject): void {
  const own = { ...schema };
  for (const key of Object.keys(schema)) Reflect.deleteProperty(schema, key);
  schema['anyOf'] = [own, VARIABLE];
}

function withoutVariable({ anyOf, ...schema }: JsonObject): JsonObject {
  const [own] = Array.isArray(anyOf) ? (anyOf as readonly JsonObject[]) : [];
  return { ...schema, ...own };
}

/** With choices among choices as one choice, each of its kind once. */
function flattened(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(flattened);
  if (typeof schema !== 'object' || schema === null) return schema;
  const flat = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, flattened(value)]));
  const { anyOf } = flat;
  if (!Array.isArray(anyOf)) return flat;
  const choices = (anyOf as readonly JsonObject[]).flatMap((choice) =>
    Object.keys(choice).length === 1 && Array.isArray(choice['anyOf'])
      ? (choice['anyOf'] as readonly JsonObject[])
      : [choice],
  );
  const distinct = new Map(choices.map((choice) => [JSON.stringify(choice), choice]));
  return { ...flat, anyOf: [...distinct.values()] };
}
