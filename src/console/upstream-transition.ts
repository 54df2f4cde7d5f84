import { type EjectionReason } from '../resilience/outlier-detection.js';
import { type Upstream } from '../upstream/upstream.js';
import {
  type BreakerEvent,
  type BreakerNoticeEvent,
  type EjectionEvent,
  type UpstreamEvent,
} from '../upstream/upstream-events.js';
import { type Transition } from './console-state.js';
import { type NewTransition } from './transition-feed.js';

/**
 * What an event of an upstream means for an operator; undefined where it means nothing.
 *
 * @param find the upstream as it is after the event, for the numbers that led to it.
 */
export function transitionOf(
  event: UpstreamEvent,
  find: (name: string) => Upstream | undefined,
): NewTransition | undefined {
  // There are several events a call, and hardly one of them is of these.
  if (event.type === 'breaker') return ofBreaker(event, find(event.upstream));
  if (event.type === 'ejection') return ofEndpoint(event);
  if (event.type !== 'breaker-notice' || event.notice !== 'would-open') return undefined;
  return ofDryRun(event, find(event.upstream));
}

function ofBreaker(event: BreakerEvent, upstream: Upstream | undefined): NewTransition {
  const { upstream: name, to, reason } = event;
  const told = (severity: Transition['severity'], what: string): NewTransition => ({
    severity,
    kind: reason === 'operator' ? 'operator' : 'breaker',
    upstream: name,
    text: `breaker of ${name} ${what}`,
  });
  switch (reason) {
    case 'failure-rate':
    case 'slow-call-rate':
      return told('bad', `opened${timeOpen(upstream)}: ${shareOfCalls(event, upstream)}`);
    case 'probes-failed':
      return told('bad', `opened again${timeOpen(upstream)}: ${shareOfTrials(event, upstream)}`);
    case 'open-time-over':
      return told('info', 'lets trial calls through');
    case 'probes-succeeded':
      return told('good', 'closed: its trial calls succeeded');
    case 'operator':
      switch (to) {
        case 'force-open':
          return told('warning', 'forced open by an operator');
        case 'disabled':
          return told('warning', 'disabled by an operator');
        case 'metrics-only':
          return told('info', 'set to metrics-only by an operator');
        case 'closed':
        case 'open':
        case 'half-open':
          return told('good', 'closed by an operator');
      }
  }
}

function ofDryRun(
  event: Extract<BreakerNoticeEvent, { readonly notice: 'would-open' }>,
  upstream: Upstream | undefined,
): NewTransition {
  const text = `breaker of ${event.upstream} would open, were it not metrics-only: ${shareOfCalls(event, upstream)}`;
  return { severity: 'warning', kind: 'breaker', upstream: event.upstream, text };
}

const EJECTED_FOR: Readonly<Record<EjectionReason, string>> = {
  'consecutive-failures': 'too many failures in a row',
  'success-rate': 'it succeeds far less often than the others',
  'failure-percentage': 'too large a share of its calls failed',
};

function ofEndpoint(event: EjectionEvent): NewTransition {
  const endpoint = `endpoint ${event.origin} of ${event.upstream}`;
  const about = { kind: 'endpoint', upstream: event.upstream } as const;
  if (event.change === 'returned') return { ...about, severity: 'good', text: `${endpoint} is back` };
  const text = `${endpoint} ejected for ${seconds(event.forMs)}: ${EJECTED_FOR[event.reason]}`;
  return { ...about, severity: 'warning', text };
}

interface Rates {
  readonly reason: string;
  readonly failureRatePercent: number;
  readonly slowCallRatePercent: number;
}

/** `60 % of 25 calls failed` */
function shareOfCalls(rates: Rates, upstream: Upstream | undefined): string {
  const counted = upstream?.breaker.snapshot().calls ?? 0;
  const calls = counted > 1 ? `${counted} calls` : 'the calls';
  return rates.reason === 'failure-rate'
    ? `${percent(rates.failureRatePercent)} of ${calls} failed`
    : `${percent(rates.slowCallRatePercent)} of ${calls} were slow`;
}

function shareOfTrials(rates: Rates, upstream: Upstream | undefined): string {
  const { failureRateThresholdPercent = 0 } = upstream?.policy.circuitBreaker ?? {};
  return rates.failureRatePercent > 0 && rates.failureRatePercent >= failureRateThresholdPercent
    ? `${percent(rates.failureRatePercent)} of its trial calls failed`
    : `${percent(rates.slowCallRatePercent)} of its trial calls were slow`;
}

function timeOpen(upstream: Upstream | undefined): string {
  const leftMs = upstream?.breaker.retryAfterMs ?? 0;
  return leftMs > 0 ? ` for ${seconds(leftMs)}` : '';
}

function percent(value: number): string {
  return `${Math.round(value)} %`;
}

/** `5.2 s` */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
