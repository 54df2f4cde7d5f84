import { type ExchangeEvent, ExchangeEvents, type NamedComposite } from '../aggregation/exchange-events.js';
import { type PartReport } from '../aggregation/part-report.js';
import { CompositeMetrics } from './composite-metrics.js';
import { MetricsExposition } from './metrics-exposition.js';
import { RequestMetrics } from './request-metrics.js';
import { ServedNames } from './served-names.js';
import { Scraped } from './testing/scraped.js';

let exchanges: ExchangeEvents;
let exposition: MetricsExposition;
let configured: readonly string[];

beforeEach(() => {
  exchanges = new ExchangeEvents();
  configured = [];
  const names = () =>
    new ServedNames(
      () => configured,
      () => configured,
    );
  exposition = new MetricsExposition([
    new CompositeMetrics(exchanges, names()),
    new RequestMetrics(exchanges, names()),
  ]);
  exposition.start();
});

async function scrape(): Promise<Scraped> {
  return new Scraped((await exposition.write('text')).text);
}

function happened(event: Partial<ExchangeEvent>): void {
  exchanges.emit({
    requestId: 'r',
    method: 'GET',
    route: '/orders/{id}',
    status: 200,
    clientLeft: false,
    startedAt: 0,
    durationMs: 20,
    composites: [],
    exchange: undefined,
    ...event,
  });
}

function composite(
  name: string,
  complete: boolean,
  parts: readonly Partial<PartReport>[] = [],
): NamedComposite {
  const reports = parts.map((part) => ({
    part: 'it',
    state: 'ok' as const,
    reason: undefined,
    durationMs: 1,
    ...part,
  }));
  return {
    name,
    report: { complete, parts: reports },
    partialStatus: undefined,
    reportInBody: false,
    faults: [],
    durationMs: 10,
    outline: () => [],
  };
}

describe('metrics of composites', () => {
  it('count them by what was missing and by the class of their status, and time them', async () => {
    happened({ composites: [composite('order', true)] });
    happened({ composites: [composite('order', false)] });
    happened({ composites: [composite('order', false)], status: 504 });
    happened({ composites: [composite('order', false)], status: undefined, clientLeft: true });
    const scraped = await scrape();
    const requests = (complete: string, status_class: string) =>
      scraped.value('tributary_composite_requests_total', { composite: 'order', complete, status_class });
    expect([requests('true', '2xx'), requests('false', '2xx'), requests('false', '5xx')]).toEqual([1, 1, 1]);
    expect(requests('false', 'none')).toBe(1);
    expect(scraped.value('tributary_composite_duration_seconds_count', { composite: 'order' })).toBe(4);
    expect(scraped.value('tributary_composite_duration_seconds_sum', { composite: 'order' })).toBeCloseTo(
      0.04,
    );
  });

  it('count parts by how they ended and why', async () => {
    const parts = [
      { part: 'a' },
      { part: 'b', state: 'fallback', reason: 'timeout' },
      { part: 'c', state: 'skipped' },
    ];
    happened({ composites: [composite('order', false, parts as Partial<PartReport>[])] });
    const scraped = await scrape();
    const name = 'tributary_composite_parts_total';
    expect(scraped.value(name, { composite: 'order', part: 'a', state: 'ok' })).toBe(1);
    expect(scraped.value(name, { composite: 'order', part: 'b', state: 'fallback', reason: 'timeout' })).toBe(
      1,
    );
    expect(scraped.value(name, { composite: 'order', part: 'c', state: 'skipped' })).toBe(1);
  });

  it('call one of code by its verb and route, whatever its path', async () => {
    happened({ composites: [composite('GET /orders/{id}', true)] });
    happened({ composites: [composite('GET /orders/{id}', true)] });
    expect((await scrape()).holding('tributary_composite_duration_seconds_count')).toEqual([
      'tributary_composite_duration_seconds_count{composite="GET /orders/{id}"}',
    ]);
  });

  it('are there at 0 for a composite of the file that nobody has asked for, and gone with it', async () => {
    configured = ['order'];
    const value = async () =>
      (await scrape()).value('tributary_composite_requests_total', {
        composite: 'order',
        complete: 'false',
        status_class: '5xx',
      });
    expect(await value()).toBe(0);
    configured = ['other'];
    expect(await value()).toBeUndefined();
    // One that was under way meanwhile.
    happened({ composites: [composite('order', true)] });
    expect((await scrape()).holding('"order"')).toEqual([]);
    configured = ['order'];
    expect(await value()).toBe(0);
  });

  it('are bounded, though code may make names up', async () => {
    for (let n = 0; n < 1_500; n++) happened({ composites: [composite(`made-up-${n}`, true)] });
    for (let n = 0; n < 300; n++)
      happened({ composites: [composite('made-up-1', true, [{ part: `p${n}` }])] });
    const scraped = await scrape();
    expect(scraped.holding('tributary_composite_duration_seconds_count')).toHaveLength(1_001);
    expect(scraped.value('tributary_composite_duration_seconds_count', { composite: '_OTHER' })).toBe(500);
    expect(scraped.holding('tributary_composite_parts_total')).toHaveLength(201);
  });
});

describe('metrics of requests', () => {
  const count = 'http_server_request_duration_seconds_count';

  it('time them by route, verb and status', async () => {
    happened({});
    happened({ status: 503 });
    happened({ method: 'POST', status: 201 });
    const scraped = await scrape();
    const route = { http_route: '/orders/{id}', http_request_method: 'GET' };
    expect(scraped.value(count, { ...route, http_response_status_code: '200' })).toBe(1);
    expect(scraped.value(count, { ...route, http_response_status_code: '503', error_type: '503' })).toBe(1);
    expect(scraped.holding(count)).toHaveLength(3);
  });

  it('are one series for all paths without a route', async () => {
    for (let n = 0; n < 10; n++) happened({ route: undefined, status: 404 });
    const labels = { http_request_method: 'GET', http_response_status_code: '404' };
    expect((await scrape()).value(count, labels)).toBe(10);
  });

  it('tell apart those whose client left', async () => {
    happened({ clientLeft: true, status: undefined });
    const labels = { http_route: '/orders/{id}', http_request_method: 'GET', error_type: 'client_left' };
    expect((await scrape()).value(count, labels)).toBe(1);
  });

  it('go with the route of the file they came in by', async () => {
    configured = ['/orders/{id}'];
    happened({});
    expect((await scrape()).holding('http_route="/orders/{id}"')).not.toEqual([]);
    configured = ['/other'];
    happened({});
    expect((await scrape()).holding('http_route')).toEqual([]);
  });
});
