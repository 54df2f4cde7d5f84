import { type GatewayDefinition } from '../composite/config/gateway.js';
import { type CompositePlan, type PlannedPart } from '../composite/plan.js';
import { type UpstreamConfig } from '../upstream/config/gateway-config.js';
import { type UpstreamPolicy } from '../upstream/config/policy-schema.js';
import { type Behaviour, BEHAVIOURS, type Combination } from './combinations.js';

const MANY = 1_000_000;
const LONG_MS = 600_000;

export interface MatrixStage {
  readonly definition: GatewayDefinition;
  readonly plan: CompositePlan;
  /** Where a part that behaves like this is found. */
  readonly urlOf: (part: string, behaviour: Behaviour) => string;
}

/**
 * A gateway that has a composite as often as it is upset: once for each combination, under {@link routeOf}. Each part
 * has an upstream of its own for each way to behave, with the policy of its real one, but for what would carry over from
 * one combination to the next: no breaker opens, no budget runs out, nothing is kept, coalesced or hedged.
 *
 * What is slow is so in faster time: its limits, and the composite's deadline with them, shrink by one factor. What is not
 * has all the time there is, so that nothing but the slow ever runs out of it.
 *
 * @param slowDeadlineMs what the composite's deadline comes down to where something is slow.
 */
export function matrixDefinition(
  { definition: { config, ...rest }, plan, urlOf }: MatrixStage,
  combinations: ReadonlyMap<number, Combination>,
  slowDeadlineMs: number,
): GatewayDefinition {
  const speed = Math.max(1, plan.config.deadline / slowDeadlineMs);
  const upstreams = plan.parts.flatMap(({ config: { name, upstream } }) => {
    const real = config.upstreams[upstream];
    if (real === undefined) return [];
    return BEHAVIOURS.map((behaviour) => stubUpstream(real, name, behaviour, urlOf(name, behaviour), speed));
  });
  return {
    ...rest,
    config: { ...config, upstreams: Object.fromEntries(upstreams.map((one) => [one.name, one])) },
    composites: [...combinations].map(([index, combination]) => upset(plan, combination, index, speed)),
  };
}

/** Where the composite of a combination is found. */
export function routeOf(index: number, route: string): string {
  return `/combination-${index}${route}`;
}

function upset(plan: CompositePlan, combination: Combination, index: number, speed: number): CompositePlan {
  const { config, parts } = plan;
  const isSlow = Object.values(combination).includes('slow');
  const upsetParts = parts.map((part) => upsetPart(part, combination[part.config.name] ?? 'up', speed));
  return {
    ...plan,
    parts: upsetParts,
    config: {
      ...config,
      name: `${config.name}-${index}`,
      route: routeOf(index, config.route),
      deadline: isSlow ? config.deadline / speed : LONG_MS,
      parts: upsetParts.map((part) => part.config),
    },
  };
}

function upsetPart(part: PlannedPart, behaviour: Behaviour, speed: number): PlannedPart {
  const { name, within } = part.config;
  const faster = behaviour === 'slow' && within !== undefined ? within / speed : undefined;
  return { ...part, config: { ...part.config, upstream: upstreamName(name, behaviour), within: faster } };
}

function upstreamName(part: string, behaviour: Behaviour): string {
  return `${part}-${behaviour}`;
}

function stubUpstream(
  real: UpstreamConfig,
  part: string,
  behaviour: Behaviour,
  url: string,
  speed: number,
): UpstreamConfig {
  const policy = forgetful(real.policy);
  return {
    ...real,
    name: upstreamName(part, behaviour),
    endpoints: [url],
    discovery: { ...real.discovery, type: 'logical-dns' },
    health: null,
    policy: behaviour === 'slow' ? faster(policy, speed) : patient(policy),
  };
}

/** The policy without anything that remembers, and without chance. */
function forgetful(policy: UpstreamPolicy): UpstreamPolicy {
  return {
    ...policy,
    retry: { ...policy.retry, backoffBaseMs: 0, backoffCapMs: 0 },
    retryBudget: { ...policy.retryBudget, minRetriesPerSecond: MANY },
    hedge: { ...policy.hedge, mode: 'off' },
    circuitBreaker: { ...policy.circuitBreaker, mode: 'disabled' },
    bulkhead: { ...policy.bulkhead, maxConcurrentCalls: MANY },
    adaptiveLimit: { ...policy.adaptiveLimit, enabled: false },
    connections: { ...policy.connections, perEndpoint: null },
    coalesce: { ...policy.coalesce, enabled: false },
    cache: { ...policy.cache, enabled: false },
  };
}

function faster(policy: UpstreamPolicy, speed: number): UpstreamPolicy {
  const { attemptTimeoutMs, deadlineMs } = policy;
  return { ...policy, attemptTimeoutMs: attemptTimeoutMs / speed, deadlineMs: deadlineMs / speed };
}

function patient(policy: UpstreamPolicy): UpstreamPolicy {
  return { ...policy, attemptTimeoutMs: LONG_MS, connectTimeoutMs: LONG_MS, deadlineMs: LONG_MS };
}
