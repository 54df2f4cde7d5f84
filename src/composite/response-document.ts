import { type CompositePlan } from './plan.js';

/** The response: the values of the parts, each at its place, in declared order. */
export function responseDocument(
  plan: CompositePlan,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const document: Record<string, unknown> = {};
  for (const { config } of plan.parts) {
    if (!config.hidden) document[config.as[0] ?? config.name] = values[config.name];
  }
  return document;
}
