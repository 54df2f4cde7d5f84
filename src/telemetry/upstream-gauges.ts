import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type Labels, type MetricFamily } from './metric-family.js';
import { type Reading, ScrapedFamily } from './scraped-family.js';
import { BREAKER_STATES } from './upstream-counters.js';

const ENDPOINT_STATES = ['available', 'ejected', 'refused'] as const;
/** Those of a breaker in the order of their names here, and in resilience4j's. */
const STATES = Object.entries(BREAKER_STATES);

/**
 * What is so of each upstream at the moment.
 *
 * @param isUp whether it works, as far as the gateway's health has found.
 */
export function upstreamGauges(
  registry: UpstreamRegistry,
  isUp: (upstream: Upstream) => boolean,
): readonly MetricFamily[] {
  const family =
    (type: 'gauge' | 'counter') =>
    (name: string, help: string, read: (upstream: Upstream, labels: Labels) => readonly Reading[]) =>
      new ScrapedFamily(type, name, help, () =>
        registry.all().flatMap((upstream) => read(upstream, { upstream: upstream.name })),
      );
  const gauge = family('gauge');
  const counter = family('counter');

  return [
    gauge(
      'tributary_upstream_up',
      'Whether an upstream works (1), by probes, recent calls and its breaker.',
      (upstream, labels) => [
        [isUp(upstream) ? 1 : 0, { ...labels, critical: upstream.critical ? 'true' : 'false' }],
      ],
    ),
    gauge(
      'tributary_circuitbreaker_state',
      'The state a breaker is in (1); the others are 0.',
      ({ breaker }, labels) =>
        STATES.map(([name, state]) => [breaker.stateName === name ? 1 : 0, { ...labels, state }]),
    ),
    gauge(
      'tributary_circuitbreaker_buffered_calls',
      'Calls in the window of a breaker.',
      ({ breaker }, labels) => {
        const { calls, failures } = breaker.snapshot();
        return [
          [calls - failures, { ...labels, kind: 'successful' }],
          [failures, { ...labels, kind: 'failed' }],
        ];
      },
    ),
    gauge(
      'tributary_circuitbreaker_slow_calls',
      'Slow calls in the window of a breaker.',
      ({ breaker }, labels) => [[breaker.snapshot().slowCalls, labels]],
    ),
    gauge(
      'tributary_circuitbreaker_failure_rate',
      'Failed calls in the window of a breaker, in percent; 0 where it is empty.',
      ({ breaker }, labels) => [[breaker.snapshot().failureRatePercent, labels]],
    ),
    gauge(
      'tributary_circuitbreaker_slow_call_rate',
      'Slow calls in the window of a breaker, in percent; 0 where it is empty.',
      ({ breaker }, labels) => [[breaker.snapshot().slowCallRatePercent, labels]],
    ),
    gauge(
      'tributary_bulkhead_concurrent_calls',
      'Permits of a bulkhead that are out: attempts under way.',
      ({ bulkhead }, labels) => [[bulkhead.inUse, labels]],
    ),
    gauge(
      'tributary_bulkhead_available_concurrent_calls',
      'Permits of a bulkhead that are free.',
      ({ bulkhead: { limit, inUse } }, labels) => [[Math.max(0, limit - inUse), labels]],
    ),
    gauge(
      'tributary_bulkhead_max_allowed_concurrent_calls',
      'Permits there can be at most, as configured.',
      ({ bulkhead }, labels) => [[bulkhead.ceiling, labels]],
    ),
    gauge('tributary_bulkhead_queue_depth', 'Attempts that wait for a permit.', ({ bulkhead }, labels) => [
      [bulkhead.queued, labels],
    ]),
    gauge(
      'tributary_bulkhead_queue_capacity',
      'Attempts that may wait for a permit.',
      ({ policy }, labels) => [[policy.bulkhead.maxQueue, labels]],
    ),
    gauge(
      'tributary_adaptive_limit_concurrent_calls',
      'Permits there are, where an adaptive limit moves them.',
      ({ policy, bulkhead }, labels) => (policy.adaptiveLimit.enabled ? [[bulkhead.limit, labels]] : []),
    ),
    gauge(
      'tributary_retry_budget_balance',
      'Retries that could be made now; at 0 failures are no longer repeated.',
      ({ budget }, labels) => [[budget.balance, labels]],
    ),
    gauge('tributary_upstream_endpoints', 'Endpoints of an upstream by state.', (upstream, labels) => {
      const { endpoints, runtime } = upstream;
      const known = endpoints.snapshot(runtime.clock.now());
      return ENDPOINT_STATES.map((state) => [
        known.filter((endpoint) => endpoint.state === state).length,
        { ...labels, state },
      ]);
    }),
    gauge('http_client_open_connections', 'Connections to an upstream that are open.', ({ http }, labels) =>
      ofWire(http.traffic()?.openConnections, labels),
    ),
    counter(
      'tributary_upstream_connections_opened_total',
      'Connections to an upstream that were opened.',
      ({ http }, labels) => ofWire(http.traffic()?.openedConnections, labels),
    ),
    counter(
      'tributary_upstream_sent_bytes_total',
      'Bytes written to an upstream, heads included; before encryption.',
      ({ http }, labels) => ofWire(http.traffic()?.sentBytes, labels),
    ),
    counter(
      'tributary_upstream_received_bytes_total',
      'Bytes read from an upstream, heads included; before bodies are unpacked.',
      ({ http }, labels) => ofWire(http.traffic()?.receivedBytes, labels),
    ),
  ];
}

function ofWire(value: number | undefined, labels: Labels): readonly Reading[] {
  return value === undefined ? [] : [[value, labels]];
}
