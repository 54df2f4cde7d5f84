import { type CompositeConfig } from './config/composite-config.js';
import { type Forecast, type ForecastPart } from './forecast.js';
import { type CompositePlan } from './plan.js';
import { isReplaySafe } from './repetition.js';
import { msText } from './time-axis.js';
import { expressionNotes } from './expression-notes.js';
import { shapingNotes } from './shaping-notes.js';

/** Something to know about a composite that is right, but may not do what it looks like. */
export interface ForecastNote {
  /** `warning`: probably not what is meant. `note`: good to know. */
  readonly level: 'warning' | 'note';
  /** What it is about; undefined for the composite. */
  readonly part: string | undefined;
  readonly message: string;
}

/** A join with as many calls a request is worth a batch endpoint. */
const MANY_CALLS = 50;

/** What is worth saying of a composite, warnings first. */
export function forecastNotes(
  plan: CompositePlan,
  parts: readonly ForecastPart[],
  forecast: Omit<Forecast, 'notes'>,
): readonly ForecastNote[] {
  const notes = [
    ...deadlineNotes(forecast),
    ...parts.flatMap((part) => [
      ...timeoutNotes(part, forecast.deadlineMs),
      ...joinNotes(part),
      ...writeNotes(part, plan.config),
    ]),
    ...expressionNotes(plan),
    ...shapingNotes(plan),
    ...requiredNotes(plan),
  ];
  return [
    ...notes.filter(({ level }) => level === 'warning'),
    ...notes.filter(({ level }) => level === 'note'),
  ];
}

function deadlineNotes({
  deadlineMs,
  worstMs,
  singleMs,
  criticalPath,
}: Omit<Forecast, 'notes'>): readonly ForecastNote[] {
  if (worstMs <= deadlineMs) return [];
  const chain = criticalPath.join(' → ');
  const part = criticalPath.length === 1 ? criticalPath[0] : undefined;
  const who = part === undefined ? `${chain} may` : 'it may';
  const fitsOnce = singleMs <= deadlineMs;
  return [
    {
      level: fitsOnce ? 'note' : 'warning',
      part,
      message: fitsOnce
        ? `${who} take ${msText(worstMs)} with retries, and the deadline is ${msText(deadlineMs)}: ` +
          `the last retries will be cut`
        : `${who} take ${msText(singleMs)} without a single retry, and the deadline is ${msText(deadlineMs)}: ` +
          `it cannot finish when its upstreams are slow. Raise deadline, or lower attemptTimeoutMs or within`,
    },
  ];
}

/** What ends a part before its attempt has timed out says nothing about the upstream (DESIGN.md 4): neutral. */
function timeoutNotes({ plan, policy }: ForecastPart, deadlineMs: number): readonly ForecastNote[] {
  const { name, upstream, within } = plan.config;
  const { attemptTimeoutMs } = policy;
  const limit =
    within !== undefined && within <= attemptTimeoutMs
      ? `within (${msText(within)})`
      : deadlineMs <= attemptTimeoutMs
        ? `the composite's deadline (${msText(deadlineMs)})`
        : undefined;
  if (limit === undefined) return [];
  const message =
    `${limit} comes before an attempt times out (${msText(attemptTimeoutMs)}): the breaker of ${upstream} ` +
    `never sees a timeout here. Set upstreams.${upstream}.attemptTimeoutMs below it`;
  return [{ level: 'warning', part: name, message }];
}

function joinNotes({ plan, policy, forecast }: ForecastPart): readonly ForecastNote[] {
  const { name, upstream, forEach } = plan.config;
  if (forEach === undefined) return [];
  const { calls, attemptsPerCall } = forecast;
  const notes: ForecastNote[] = [];
  if (forEach.batch === undefined && calls >= MANY_CALLS) {
    const repeated = attemptsPerCall > 1 ? ` (${calls * attemptsPerCall} with ${forecast.repeats})` : '';
    const message =
      `one request may make ${calls} calls to ${upstream}${repeated}: give it a batch endpoint ` +
      `(forEach.batch), or a lower maxItems`;
    notes.push({ level: 'warning', part: name, message });
  }
  const { maxConcurrentCalls, maxQueue } = policy.bulkhead;
  const atOnce = Math.min(forEach.concurrency, calls);
  if (atOnce > maxConcurrentCalls) {
    const rest =
      atOnce > maxConcurrentCalls + maxQueue ? 'some of the others are refused' : 'the others wait';
    const message =
      `it asks for ${atOnce} at once, and ${upstream} takes ${maxConcurrentCalls} ` +
      `(bulkhead.maxConcurrentCalls): ${rest}`;
    notes.push({ level: 'warning', part: name, message });
  }
  return notes;
}

function writeNotes({ plan }: ForecastPart, composite: CompositeConfig): readonly ForecastNote[] {
  const { name, method, reads } = plan.config;
  if (isReplaySafe(plan.config, composite) || reads) return [];
  const message = `a ${method} without idempotencyKey is not sent again once it may have arrived`;
  return [{ level: 'note', part: name, message }];
}

function requiredNotes({ config }: CompositePlan): readonly ForecastNote[] {
  if (config.parts.some(({ required }) => required)) return [];
  const status = config.partialStatus ?? config.status;
  const message = `no part is required: with every upstream down it answers ${status}, and nothing but fallbacks`;
  return [{ level: 'note', part: undefined, message }];
}
