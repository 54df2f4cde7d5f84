import { type GatewayConfig, type UpstreamConfig } from '../upstream/config/gateway-config.js';
import { type UpstreamPolicy } from '../upstream/config/policy-schema.js';
import { forecastNotes, type ForecastNote } from './forecast-notes.js';
import { type CompositePlan, type PlannedPart } from './plan.js';
import { type Repetition, repetitionOf } from './repetition.js';

/** What one request of a composite may come to at worst: calls, and time. All times in ms. */
export interface Forecast {
  readonly deadlineMs: number;
  /** In declared order. */
  readonly parts: readonly PartForecast[];
  /** Calls without repetition. */
  readonly calls: number;
  /** Requests upstreams may get for them, retries and hedges included. */
  readonly attempts: number;
  /** In order of first use. */
  readonly upstreams: readonly UpstreamLoad[];
  /** The chain of parts that takes longest. */
  readonly criticalPath: readonly string[];
  /** When the last part has ended, were there no deadline. */
  readonly worstMs: number;
  /** The same, if nothing is repeated and nothing waits for a permit. */
  readonly singleMs: number;
  readonly notes: readonly ForecastNote[];
}

export interface UpstreamLoad {
  readonly upstream: string;
  readonly calls: number;
  readonly attempts: number;
}

export interface PartForecast {
  readonly part: string;
  readonly upstream: string;
  readonly calls: number;
  readonly attemptsPerCall: number;
  readonly repeats: Repetition['repeats'];
  /** When it begins, if all before it take as long as they may. */
  readonly startsAtMs: number;
  /** How long it may take. */
  readonly worstMs: number;
  /** The same, if nothing is repeated and nothing waits for a permit. */
  readonly singleMs: number;
}

/** What is to be known of a part besides its plan, to say how it may go. */
export interface ForecastPart {
  readonly plan: PlannedPart;
  readonly policy: UpstreamPolicy;
  readonly forecast: PartForecast;
}

/**
 * The worst case of a composite, from its plan and the policies of its upstreams (DESIGN.md 4), as if every `when` held.
 *
 * Calls: a part makes one; a join one for each of `maxItems` keys, or one for each batch of them:
 * `ceil(maxItems / size)`. An upstream gets each of them up to `retry.maxAttempts` times where it may be repeated (GET,
 * HEAD, PUT, DELETE, an idempotency key), up to `1 + hedge.maxHedges` times where it is hedged (GET, HEAD), otherwise
 * once: what was never sent is tried again whatever its verb, but never arrives twice.
 *
 * Time: parts that wait for each other add up, others run beside each other; the longest chain is the critical path.
 */
export function forecastOf(plan: CompositePlan, { upstreams }: GatewayConfig): Forecast {
  const { deadline: deadlineMs } = plan.config;
  const ends = new Map<string, Ending>();
  const parts: ForecastPart[] = [];
  for (const part of inOrderOfNeed(plan.parts)) {
    const upstream = upstreams[part.config.upstream];
    if (upstream === undefined) continue;
    const before = latest(part.needs.flatMap((name) => ends.get(name) ?? []));
    const startsAtMs = before?.worstMs ?? 0;
    const repetition = repetitionOf(part.config, plan.config, upstream);
    const forecast = partForecast(part, upstream, repetition, startsAtMs);
    ends.set(part.config.name, {
      path: [...(before?.path ?? []), part.config.name],
      worstMs: startsAtMs + forecast.worstMs,
      singleMs: latestSingle(part.needs, ends) + forecast.singleMs,
    });
    parts.push({ plan: part, policy: upstream.policy, forecast });
  }
  const declared = plan.parts.flatMap((part) => parts.find((each) => each.plan === part) ?? []);
  const forecasts = declared.map(({ forecast }) => forecast);
  const last = latest([...ends.values()]);
  const forecast = {
    deadlineMs,
    parts: forecasts,
    calls: sum(forecasts.map(({ calls }) => calls)),
    attempts: sum(forecasts.map(attemptsOf)),
    upstreams: loads(forecasts),
    criticalPath: last?.path ?? [],
    worstMs: last?.worstMs ?? 0,
    singleMs: Math.max(0, ...[...ends.values()].map(({ singleMs }) => singleMs)),
  };
  return { ...forecast, notes: forecastNotes(plan, declared, forecast) };
}

/** How a part, and what it waited for, ends at worst. */
interface Ending {
  readonly path: readonly string[];
  readonly worstMs: number;
  readonly singleMs: number;
}

function partForecast(
  part: PlannedPart,
  { policy }: UpstreamConfig,
  repetition: Repetition,
  startsAtMs: number,
): PartForecast {
  const { name, upstream, within = Infinity, forEach } = part.config;
  const calls = callsOf(part);
  const rounds = Math.ceil(calls / (forEach?.concurrency ?? 1));
  const callMs = worstCallMs(policy, repetition);
  const singleCallMs = Math.min(policy.attemptTimeoutMs, policy.deadlineMs);
  return {
    part: name,
    upstream,
    calls,
    attemptsPerCall: repetition.attempts,
    repeats: repetition.repeats,
    startsAtMs,
    worstMs: Math.min(within, rounds * callMs),
    singleMs: Math.min(within, rounds * singleCallMs),
  };
}

/** One, or as many as a join makes for the most keys it may ask for. */
function callsOf({ config: { forEach } }: PlannedPart): number {
  if (forEach === undefined) return 1;
  return forEach.batch === undefined ? forEach.maxItems : Math.ceil(forEach.maxItems / forEach.batch.size);
}

/**
 * The longest one call may take, in ms. Each attempt may wait for a permit and then for its timeout, and a backoff
 * before each but the first may be as long as `min(cap, base * 2^n)` ("Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015). A hedge runs beside the attempt before it, which it follows by at most the hedge delay. All of it within
 * the upstream's `deadlineMs`.
 *
 * A `Retry-After`, which is the upstream's to choose, is not counted.
 */
function worstCallMs(policy: UpstreamPolicy, { repeats, attempts }: Repetition): number {
  const { retry, hedge, bulkhead, attemptTimeoutMs, deadlineMs } = policy;
  const attemptMs = bulkhead.maxQueueWaitMs + attemptTimeoutMs;
  const inARow = repeats === 'hedges' ? Math.min(attempts, retry.maxAttempts) : attempts;
  let worstMs = inARow * attemptMs;
  for (let retries = 0; retries < inARow - 1; retries++) {
    worstMs += Math.min(retry.backoffCapMs, retry.backoffBaseMs * 2 ** retries);
  }
  const hedgeDelayMs = hedge.mode === 'fixed' ? hedge.delayMs : hedge.maxDelayMs;
  worstMs += (attempts - inARow) * hedgeDelayMs;
  return Math.min(deadlineMs, worstMs);
}

/** Parts behind those they wait for; a plan has no cycles. */
function inOrderOfNeed(parts: readonly PlannedPart[]): readonly PlannedPart[] {
  const ordered = new Set<PlannedPart>();
  const visiting = new Set<PlannedPart>();
  const visit = (part: PlannedPart): void => {
    if (ordered.has(part) || visiting.has(part)) return;
    visiting.add(part);
    for (const other of parts) if (part.needs.includes(other.config.name)) visit(other);
    ordered.add(part);
  };
  parts.forEach(visit);
  return [...ordered];
}

function latest(endings: readonly Ending[]): Ending | undefined {
  return endings.reduce<Ending | undefined>(
    (last, ending) => (last === undefined || ending.worstMs > last.worstMs ? ending : last),
    undefined,
  );
}

function latestSingle(needs: readonly string[], ends: ReadonlyMap<string, Ending>): number {
  return Math.max(0, ...needs.map((name) => ends.get(name)?.singleMs ?? 0));
}

function loads(parts: readonly PartForecast[]): readonly UpstreamLoad[] {
  const names = [...new Set(parts.map(({ upstream }) => upstream))];
  return names.map((upstream) => {
    const own = parts.filter((part) => part.upstream === upstream);
    return { upstream, calls: sum(own.map(({ calls }) => calls)), attempts: sum(own.map(attemptsOf)) };
  });
}

function attemptsOf({ calls, attemptsPerCall }: PartForecast): number {
  return calls * attemptsPerCall;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
