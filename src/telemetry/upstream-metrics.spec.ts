import { recordingServer, type RecordingServer } from '../http/testing/recording-server.js';
import { configOf, outcomeOf, type WrittenUpstream } from '../upstream/testing/spec-support.js';
import { type UpstreamEvent } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { type ExpositionFormat } from './exposition-format.js';
import { MetricsExposition } from './metrics-exposition.js';
import { Scraped } from './testing/scraped.js';
import { tracedContext } from './testing/traced-context.js';
import { UpstreamMetrics } from './upstream-metrics.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const upstream = 'orders';

let server: RecordingServer;
let registry: UpstreamRegistry;
let exposition: MetricsExposition;

function start(written: WrittenUpstream = {}): void {
  registry = new UpstreamRegistry(configOf({ orders: { url: server.origin, ...written } }));
  exposition = new MetricsExposition([new UpstreamMetrics(registry, () => true)]);
  exposition.start();
}

async function scrape(format: ExpositionFormat = 'text'): Promise<Scraped> {
  return new Scraped((await exposition.write(format)).text);
}

const call = (url = '/7') => outcomeOf(registry.get(upstream).send({ method: 'GET', url }));

beforeEach(async () => {
  let asked = 0;
  server = await recordingServer((_request, response, { url }) => {
    response.writeHead(url === '/flaky' && ++asked === 1 ? 503 : 200).end('{}');
  });
});

afterEach(async () => {
  exposition.stop();
  await registry.onApplicationShutdown();
  await server.close();
});

describe('metrics of an upstream', () => {
  it('count calls, attempts and retries, and time them by what became of them', async () => {
    start();
    await call('/flaky');
    await call();
    const scraped = await scrape();
    const attempt = { upstream, http_request_method: 'GET' };
    expect(scraped.value('tributary_upstream_calls_total', { upstream, outcome: 'ok' })).toBe(2);
    expect(scraped.value('tributary_upstream_attempts_total', { upstream, outcome: 'ok' })).toBe(2);
    expect(scraped.value('tributary_upstream_attempts_total', { upstream, outcome: 'status' })).toBe(1);
    expect(scraped.value('tributary_upstream_retries_total', { upstream, free: 'false' })).toBe(1);
    expect(scraped.value('tributary_upstream_call_duration_seconds_count', { upstream, outcome: 'ok' })).toBe(
      2,
    );
    const count = 'http_client_request_duration_seconds_count';
    expect(scraped.value(count, { ...attempt, outcome: 'ok', http_response_status_code: '200' })).toBe(2);
    expect(scraped.value(count, { ...attempt, outcome: 'status', http_response_status_code: '503' })).toBe(1);
  });

  it('are there at 0 before the first call, so that a rate sees the first failure', async () => {
    start();
    const scraped = await scrape();
    expect(scraped.value('tributary_upstream_calls_total', { upstream, outcome: 'timeout' })).toBe(0);
    expect(scraped.value('tributary_upstream_attempts_total', { upstream, outcome: 'open' })).toBe(0);
    expect(scraped.value('tributary_upstream_hedges_total', { upstream })).toBe(0);
    expect(scraped.value('tributary_circuitbreaker_not_permitted_calls_total', { upstream })).toBe(0);
  });

  it('show the breaker, and do not time what it refused', async () => {
    start({ circuitBreaker: { mode: 'force-open' } });
    await call();
    const scraped = await scrape();
    expect(scraped.value('tributary_circuitbreaker_state', { upstream, state: 'forced_open' })).toBe(1);
    expect(scraped.value('tributary_circuitbreaker_state', { upstream, state: 'closed' })).toBe(0);
    expect(scraped.value('tributary_circuitbreaker_not_permitted_calls_total', { upstream })).toBe(1);
    expect(scraped.value('tributary_upstream_calls_total', { upstream, outcome: 'open' })).toBe(1);
    expect(scraped.holding('http_client_request_duration_seconds')).toEqual([]);
    registry.get(upstream).breaker.setMode('enabled');
    expect(
      (await scrape()).value('tributary_circuitbreaker_transitions_total', {
        upstream,
        state: 'closed',
        reason: 'operator',
      }),
    ).toBe(1);
  });

  it('show bulkhead, budget, endpoints and wire as they are when somebody asks', async () => {
    start({ bulkhead: { maxConcurrentCalls: 3, maxQueue: 5 } });
    await call();
    registry.get(upstream).bulkhead.tryAcquire();
    const scraped = await scrape();
    expect(scraped.value('tributary_bulkhead_concurrent_calls', { upstream })).toBe(1);
    expect(scraped.value('tributary_bulkhead_available_concurrent_calls', { upstream })).toBe(2);
    expect(scraped.value('tributary_bulkhead_max_allowed_concurrent_calls', { upstream })).toBe(3);
    expect(scraped.value('tributary_bulkhead_queue_capacity', { upstream })).toBe(5);
    expect(scraped.value('tributary_retry_budget_balance', { upstream })).toBe(100);
    expect(scraped.value('tributary_upstream_endpoints', { upstream, state: 'available' })).toBe(1);
    expect(scraped.value('http_client_open_connections', { upstream })).toBe(1);
    expect(scraped.value('tributary_upstream_received_bytes_total', { upstream })).toBeGreaterThan(50);
    expect(scraped.holding('tributary_adaptive_limit')).toEqual([]);
  });

  it('count what happens seldom by its reason', async () => {
    start();
    const events: UpstreamEvent[] = [
      { type: 'ejection', upstream, origin: 'http://a', change: 'ejected', reason: 'success-rate', forMs: 1 },
      { type: 'ejection', upstream, origin: 'http://a', change: 'returned' },
      { type: 'cache', upstream, result: 'stale', ageMs: 1, reason: undefined },
      { type: 'cache', upstream, result: 'stale', ageMs: 1, reason: 'timeout' },
      { type: 'discovery', upstream, outcome: 'changed', origins: [] },
      { type: 'endpoint-refused', upstream, origin: 'http://a' },
      { type: 'hedge', upstream, number: 2, delayMs: 1 },
      { type: 'hedge-won', upstream, number: 2 },
      { type: 'coalesced', upstream },
      { type: 'retry', upstream, number: 1, delayMs: 0, free: true },
    ];
    for (const event of events) registry.events.emit(event);
    const scraped = await scrape();
    const values = [
      scraped.value('tributary_upstream_ejections_total', { upstream, reason: 'success-rate' }),
      scraped.value('tributary_upstream_cache_results_total', { upstream, result: 'stale' }),
      scraped.value('tributary_upstream_stale_served_total', { upstream, reason: 'revalidating' }),
      scraped.value('tributary_upstream_stale_served_total', { upstream, reason: 'timeout' }),
      scraped.value('tributary_upstream_discoveries_total', { upstream, outcome: 'changed' }),
      scraped.value('tributary_upstream_endpoint_refusals_total', { upstream }),
      scraped.value('tributary_upstream_hedges_total', { upstream }),
      scraped.value('tributary_upstream_hedges_won_total', { upstream }),
      scraped.value('tributary_upstream_coalesced_total', { upstream }),
      scraped.value('tributary_upstream_retries_total', { upstream, free: 'true' }),
    ];
    expect(values).toEqual([1, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(scraped.text).not.toContain('http://a');
  });

  it('have no more series than there are known verbs and statuses, whatever an upstream answers', async () => {
    start();
    for (let status = 100; status < 1000; status++) {
      const method = `VERB-${status}`;
      registry.events.emit({
        type: 'attempt',
        upstream,
        number: 1,
        method,
        outcome: 'ok',
        status,
        durationMs: 1,
      });
    }
    const counts = (await scrape()).holding('http_client_request_duration_seconds_count');
    expect(counts.length).toBeLessThan(70);
    expect(counts.every((series) => series.includes('http_request_method="_OTHER"'))).toBe(true);
  });

  it('go with their upstream, and with what still comes of it', async () => {
    start();
    await call();
    registry.replace(configOf({ users: { url: server.origin } }));
    const late = { type: 'call', upstream, method: 'GET', status: 200, attempts: 1, durationMs: 1 } as const;
    registry.events.emit({ ...late, outcome: 'ok' });
    const scraped = await scrape();
    expect(scraped.holding('orders')).toEqual([]);
    expect(scraped.value('tributary_upstream_calls_total', { upstream: 'users', outcome: 'ok' })).toBe(0);
  });

  it('point to the trace of a request that is traced', async () => {
    start();
    await tracedContext(TRACE).run(() => call(), undefined);
    const { text } = await scrape('openmetrics');
    const pointing = text.split('\n').filter((line) => line.includes(`# {trace_id="${TRACE}"}`));
    expect(pointing.map((line) => line.replace(/\{.*/, ''))).toEqual([
      'tributary_upstream_call_duration_seconds_bucket',
      'http_client_request_duration_seconds_bucket',
    ]);
  });

  it('end when they are stopped', () => {
    start();
    exposition.stop();
    expect(registry.events.active).toBe(false);
  });
});
