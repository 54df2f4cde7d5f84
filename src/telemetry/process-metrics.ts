import { readdir, readFile } from 'node:fs/promises';
import {
  constants,
  type EventLoopUtilization,
  type IntervalHistogram,
  monitorEventLoopDelay,
  performance,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { HistogramFamily, type HistogramSeries } from './histogram-family.js';
import { type MetricFamily, type MetricSource } from './metric-family.js';
import { type Reading, ScrapedFamily } from './scraped-family.js';

/** How often the event loop is looked at, in ms: that takes an idle process from 0.0 to 0.25 % of a core; every 10 ms, 0.44. */
const RESOLUTION_MS = 20;
const GC_BOUNDS: readonly number[] = [0.001, 0.01, 0.1, 1, 2, 5];

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/**
 * The process itself, under the names prom-client's default metrics have, so that dashboards for Node find them. Those
 * cannot be stopped, drop all but the first of several collections that are told at once, and take the interval between
 * two looks at the event loop for lag; these do not.
 */
export class ProcessMetrics implements MetricSource {
  readonly families: readonly MetricFamily[];
  private readonly collections = new HistogramFamily(
    'nodejs_gc_duration_seconds',
    'Time spent in garbage collections, by kind.',
    GC_BOUNDS,
  );
  private readonly byKind = new Map<number, HistogramSeries>();
  private readonly lag: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private readonly observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) this.collected(entry as Collection);
  });
  private cpu = process.cpuUsage();
  private memory = process.memoryUsage();
  private utilization: EventLoopUtilization = performance.eventLoopUtilization();
  private busyShare = 0;
  private lags = NO_LAGS;
  private openFiles: number | undefined;
  private maxFiles: number | undefined;

  constructor() {
    for (const [kind, name] of GC_KINDS) this.byKind.set(kind, this.collections.series({ kind: name }));
    this.families = [...this.scraped(), this.collections];
  }

  start(): void {
    this.lag.enable();
    this.observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.lag.disable();
    this.observer.disconnect();
  }

  /** Reads what several families show, once; what is about an interval begins anew. */
  async prepare(): Promise<void> {
    this.cpu = process.cpuUsage();
    this.memory = process.memoryUsage();
    const now = performance.eventLoopUtilization();
    this.busyShare = performance.eventLoopUtilization(now, this.utilization).utilization;
    this.utilization = now;
    this.lags = lagsOf(this.lag);
    this.lag.reset();
    this.openFiles = await openFiles();
    this.maxFiles ??= await maxFiles();
  }

  private collected({ detail, duration }: Collection): void {
    this.byKind.get(detail.kind)?.observe(duration / 1000);
  }

  private scraped(): readonly MetricFamily[] {
    const startedAt = (Date.now() - process.uptime() * 1000) / 1000;
    const gauge = (name: string, help: string, read: () => number | undefined): MetricFamily =>
      new ScrapedFamily('gauge', name, help, () => reading(read()));
    const counter = (name: string, help: string, read: () => number): MetricFamily =>
      new ScrapedFamily('counter', name, help, () => reading(read()));
    return [
      counter(
        'process_cpu_user_seconds_total',
        'CPU time the process has used in user mode.',
        () => this.cpu.user / 1e6,
      ),
      counter(
        'process_cpu_system_seconds_total',
        'CPU time the process has used in the kernel.',
        () => this.cpu.system / 1e6,
      ),
      counter(
        'process_cpu_seconds_total',
        'CPU time the process has used.',
        () => (this.cpu.user + this.cpu.system) / 1e6,
      ),
      gauge('process_start_time_seconds', 'When the process was started.', () => startedAt),
      gauge('process_resident_memory_bytes', 'Memory the process holds.', () => this.memory.rss),
      gauge('process_open_fds', 'File descriptors that are open, sockets included.', () => this.openFiles),
      gauge('process_max_fds', 'File descriptors that may be open.', () => this.maxFiles),
      gauge('nodejs_heap_size_total_bytes', 'Size of the heap.', () => this.memory.heapTotal),
      gauge('nodejs_heap_size_used_bytes', 'What of the heap is in use.', () => this.memory.heapUsed),
      gauge('nodejs_external_memory_bytes', 'Memory outside the heap that objects in it hold.', () => {
        return this.memory.external;
      }),
      gauge(
        'nodejs_eventloop_utilization_ratio',
        'Share of the time since the last scrape in which the event loop was busy.',
        () => this.busyShare,
      ),
      gauge('nodejs_eventloop_lag_mean_seconds', LAG_HELP('mean'), () => this.lags.mean),
      gauge('nodejs_eventloop_lag_max_seconds', LAG_HELP('largest'), () => this.lags.max),
      gauge('nodejs_eventloop_lag_p50_seconds', LAG_HELP('median'), () => this.lags.p50),
      gauge('nodejs_eventloop_lag_p90_seconds', LAG_HELP('90th percentile of the'), () => this.lags.p90),
      gauge('nodejs_eventloop_lag_p99_seconds', LAG_HELP('99th percentile of the'), () => this.lags.p99),
      new ScrapedFamily('gauge', 'nodejs_version_info', 'The version of Node.', () => [
        [1, { version: process.version }],
      ]),
    ];
  }
}

/** An entry of the kind `gc`, as Node makes them; its types leave the detail to the browser's. */
type Collection = PerformanceEntry & { readonly detail: { readonly kind: number } };

const LAG_HELP = (which: string): string => `The ${which} lag of the event loop since the last scrape.`;
const NO_LAGS = { mean: 0, max: 0, p50: 0, p90: 0, p99: 0 };

/** In seconds. The histogram holds the time from one look to the next, which is the interval where nothing is late. */
function lagsOf(looks: IntervalHistogram): typeof NO_LAGS {
  if (looks.count === 0) return NO_LAGS;
  const lag = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
  return {
    mean: lag(looks.mean),
    max: lag(looks.max),
    p50: lag(looks.percentile(50)),
    p90: lag(looks.percentile(90)),
    p99: lag(looks.percentile(99)),
  };
}

function reading(value: number | undefined): readonly Reading[] {
  return value === undefined ? [] : [[value]];
}

/** Undefined where the system does not show them. */
async function openFiles(): Promise<number | undefined> {
  try {
    // The one that reads the folder is closed by now.
    return (await readdir('/proc/self/fd')).length - 1;
  } catch {
    return undefined;
  }
}

async function maxFiles(): Promise<number | undefined> {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
