import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Attributes, type Tracer } from '@opentelemetry/api';
import { type Resource } from '@opentelemetry/resources';
import { systemClock } from '../resilience/clock.js';
import { type TelemetryConfig, type TracingConfig } from '../upstream/config/telemetry-config.js';
import { TRACER_NAME } from '../upstream/tracing/registered-tracer.js';
import { WatchedExporter } from './watched-exporter.js';

/** Where the spans of a gateway are made and sent. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left, for {@link LAST_EXPORT_MS} at most. Never rejects. */
  stop(): Promise<void>;
}

export interface TracingOptions {
  /** Of the package (`service.version`). */
  readonly version: string;
  readonly warn: (line: string) => void;
}

/** Spans that wait to be sent, at most; those beyond it are lost. One is about 2 KB. */
const MAX_QUEUE = 4096;
const MAX_BATCH = 512;
/** How long a span waits for others, in ms. */
const EXPORT_EVERY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 10_000;
/** How long a gateway that stops waits for whoever receives its spans, in ms: nobody is to wait for one that is gone. */
const LAST_EXPORT_MS = 2_000;

/**
 * What sends spans to `telemetry.tracing.endpoint`; undefined where it is null, and then nothing of the OpenTelemetry SDK
 * is so much as loaded. Where nobody receives them, they are dropped, and a line a minute says so.
 */
export async function startTracing(
  { serviceName, tracing }: Pick<TelemetryConfig, 'serviceName' | 'tracing'>,
  { version, warn }: TracingOptions,
): Promise<Tracing | undefined> {
  const { endpoint, headers, samplePercent } = tracing;
  if (endpoint === null) return undefined;
  const [sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const exporter = new OTLPTraceExporter({
    url: tracesUrl(endpoint),
    headers: { ...headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new sdk.TracerProvider({
    resource: await resourceOf(serviceName, version),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(samplePercent / 100) }),
    spanProcessors: [
      new sdk.BatchSpanProcessor({
        exporter: new WatchedExporter(exporter, systemClock, warn),
        maxQueueSize: MAX_QUEUE,
        maxExportBatchSize: MAX_BATCH,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  return {
    tracer: provider.getTracer(TRACER_NAME, version),
    stop: () => atMost(LAST_EXPORT_MS, provider.shutdown()),
  };
}

/** As the specification of OTLP has it: a base URL is completed, one that says where is taken as it is. */
function tracesUrl(endpoint: NonNullable<TracingConfig['endpoint']>): string {
  return /\/v1\/traces\/*$/.test(endpoint) ? endpoint : `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

/** Who sends the spans. What OTEL_RESOURCE_ATTRIBUTES adds (the pod, say) is taken over, but not in place of what we know. */
async function resourceOf(serviceName: string, version: string): Promise<Resource> {
  const { defaultResource, detectResources, envDetector, resourceFromAttributes } =
    await import('@opentelemetry/resources');
  const own: Attributes = {
    'service.name': serviceName,
    'service.version': version,
    'service.instance.id': randomUUID(),
    'host.name': hostname(),
    'host.arch': process.arch,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  };
  return defaultResource()
    .merge(detectResources({ detectors: [envDetector] }))
    .merge(resourceFromAttributes(own));
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  // What could not be sent has been said.
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
