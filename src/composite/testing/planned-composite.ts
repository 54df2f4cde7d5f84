import { parseGateway } from '../config/gateway.js';
import { type CompositePlan } from '../plan.js';

/** The plan of one composite; each part calls the path of its own name unless it says otherwise. */
export function plannedComposite(
  parts: Readonly<Record<string, object>>,
  composite: object = {},
  upstream: object = {},
): CompositePlan {
  const written = Object.entries(parts).map(
    ([name, part]) => [name, { upstream: 'shop', get: `/${name}`, ...part }] as const,
  );
  const { composites } = parseGateway(
    JSON.stringify({
      upstreams: { shop: { url: 'http://localhost:1', ...upstream } },
      composites: { screen: { get: '/screen', ...composite, parts: Object.fromEntries(written) } },
    }),
    { env: {} },
  );
  const [plan] = composites;
  if (plan === undefined) throw new Error('the composite has no plan');
  return plan;
}
