import { type OpenAPIObject } from '@nestjs/swagger';
import {
  CACHING_HEADERS,
  documented,
  PREFER_HEADER,
  problemSchema,
  REPORT_HEADERS,
  reportSchema,
  REQUEST_ID_HEADER,
  requestProblemSchema,
  RETRY_AFTER_HEADER,
  withReport,
  writeProblemSchema,
} from '../../aggregation/composite-documentation.js';
import { type CompositePlan } from '../plan.js';
import { type Definitions, definitionName, isGroup, type Schema } from './schema-reader.js';
import { DocumentedComposite } from './documented-composite.js';

/** What operations refer to, under `#/components/schemas/`. */
const SCHEMAS: Definitions = new Map([
  ['CompositeReport', documented(reportSchema) as Schema],
  ['Problem', documented(problemSchema) as Schema],
  ['RequestProblem', documented(requestProblemSchema) as Schema],
  ['CompositeProblem', documented(withReport(problemSchema)) as Schema],
  ['WriteProblem', documented(withReport(writeProblemSchema)) as Schema],
]);

const HEADERS: Readonly<Record<string, object>> = {
  ...REPORT_HEADERS,
  ...CACHING_HEADERS,
  ...REQUEST_ID_HEADER,
  ...RETRY_AFTER_HEADER,
};

/** An OpenAPI 3.1 document with these composites in it as well. What it has already stays. */
export function withComposites(document: OpenAPIObject, plans: readonly CompositePlan[]): OpenAPIObject {
  if (plans.length === 0) return document;
  const definitions = new Map(SCHEMAS);
  for (const { operations } of plans) {
    for (const operation of operations?.values() ?? []) {
      for (const [name, schema] of operation.definitions) definitions.set(name, schema);
    }
  }
  const paths: Record<string, object> = { ...document.paths };
  const securitySchemes: Record<string, unknown> = {};
  for (const plan of plans) {
    const composite = new DocumentedComposite(plan, definitions);
    const { route, method } = plan.config;
    paths[route] = { [method.toLowerCase()]: composite.operation, ...paths[route] };
    Object.assign(securitySchemes, composite.securitySchemes);
  }
  const { components = {} } = document;
  return {
    ...document,
    paths,
    components: {
      ...components,
      schemas: { ...reachable(paths, definitions), ...components.schemas },
      headers: { ...HEADERS, ...components.headers },
      parameters: { Prefer: PREFER_PARAMETER, ...components.parameters },
      ...(Object.keys(securitySchemes).length === 0 && components.securitySchemes === undefined
        ? {}
        : { securitySchemes: { ...securitySchemes, ...components.securitySchemes } }),
    },
  } as unknown as OpenAPIObject;
}

const PREFER_PARAMETER = { ...PREFER_HEADER, in: 'header', schema: { type: 'string' } };

/** Those definitions that something refers to, by name in the order of the alphabet. */
function reachable(document: unknown, definitions: Definitions): Readonly<Record<string, Schema>> {
  const found = new Map<string, Schema>();
  const waiting: unknown[] = [document];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (Array.isArray(value)) waiting.push(...(value as unknown[]));
    else if (isGroup(value)) {
      for (const one of Object.values(value)) {
        const name = definitionName(one);
        const schema = name === undefined ? undefined : definitions.get(name);
        if (name !== undefined && schema !== undefined && !found.has(name)) {
          found.set(name, schema);
          waiting.push(schema);
        } else if (typeof one === 'object') waiting.push(one);
      }
    }
  }
  return Object.fromEntries([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}
