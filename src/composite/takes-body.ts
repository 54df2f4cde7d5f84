import { type CompositePlan, type PlannedPart } from './plan.js';

/** Whether the body of a request means anything to a composite: it is checked, passed on, or looked at. */
export function takesBody({ config, parts }: CompositePlan): boolean {
  if (config.method === 'GET') return false;
  return (
    config.bodySchema !== undefined ||
    parts.some((part) => (part.config.forward ?? config.forward).body || looksAtBody(part))
  );
}

function looksAtBody({ values, headers, body, idempotencyKey, when, join }: PlannedPart): boolean {
  const evaluated = [...values.values(), ...headers.values(), body, idempotencyKey, when, join?.items];
  return evaluated.some((each) => each?.references.has('body') === true);
}
