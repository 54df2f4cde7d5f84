import { MetricsExposition } from './metrics-exposition.js';
import { ProcessMetrics } from './process-metrics.js';
import { Scraped } from './testing/scraped.js';

describe('metrics of the process', () => {
  const exposition = new MetricsExposition([new ProcessMetrics()]);
  const scrape = async () => new Scraped((await exposition.write('text')).text);

  beforeAll(() => {
    exposition.start();
  });
  afterAll(() => {
    exposition.stop();
  });

  it('are there under the names that dashboards for Node ask for', async () => {
    const scraped = await scrape();
    expect([...scraped.names]).toEqual(
      expect.arrayContaining([
        'process_cpu_seconds_total',
        'process_resident_memory_bytes',
        'process_start_time_seconds',
        'nodejs_heap_size_used_bytes',
        'nodejs_eventloop_lag_p99_seconds',
        'nodejs_gc_duration_seconds_bucket',
      ]),
    );
    expect(scraped.value('process_resident_memory_bytes')).toBeGreaterThan(1e7);
    expect(scraped.value('nodejs_version_info', { version: process.version })).toBe(1);
  });

  it('show what has kept the event loop, since the last scrape', async () => {
    await scrape();
    // It looks at the event loop every 20 ms: it has to have looked before, to see that it is late.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const until = performance.now() + 100;
    while (performance.now() < until) Math.random();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const scraped = await scrape();
    expect(scraped.value('nodejs_eventloop_lag_max_seconds')).toBeGreaterThan(0.06);
    expect(scraped.value('nodejs_eventloop_utilization_ratio')).toBeGreaterThan(0.1);
  });
});
