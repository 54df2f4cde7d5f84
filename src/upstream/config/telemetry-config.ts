import { z } from 'zod';
import { headerName, headerValue } from './http-header.js';
import { otlpEndpoint } from './otlp-endpoint.js';
import { group } from './policy-schema.js';
import { count, flag, percent } from './quantities.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'off'] as const;
export const LOG_FORMATS = ['auto', 'json', 'text'] as const;

/** Least severe first; each includes those behind it. */
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What the gateway tells of itself. */
export interface TelemetryConfig {
  /** The name the gateway has in traces (`service.name`). Default tributary. */
  readonly serviceName: string;
  readonly log: LogConfig;
  readonly metrics: MetricsConfig;
  readonly tracing: TracingConfig;
  readonly console: ConsoleConfig;
}

export interface LogConfig {
  /**
   * What is logged, and everything more severe; `off` leaves what ends the process, and what operators do. It may be
   * changed while the gateway runs. Default info.
   */
  readonly level: LogLevel;
  /** `auto`: JSON where NODE_ENV is production, text elsewhere. Default auto. */
  readonly format: LogFormat;
  /** Whether each request is logged, once it is answered. Default true. */
  readonly requests: boolean;
  /**
   * How many of the requests that were answered in full, with a status below 400, are logged, in percent, at random.
   * Those that were not are all logged; of many that ended alike, ten a second and how many more. Default 100.
   */
  readonly successPercent: number;
}

export interface MetricsConfig {
  /** Whether `/metrics` is served. Where it is not, nothing is counted. Default true. */
  readonly enabled: boolean;
}

export interface TracingConfig {
  /** Where spans are sent, as OTLP over HTTP; `/v1/traces` is appended unless it is there. Null (the default) traces nothing. */
  readonly endpoint: string | null;
  /** Sent with the spans; names in lower case. They may hold secrets: not to be logged. Default none. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * How many requests are traced, in percent, of those without a `traceparent` of a trusted caller; others as that says.
   * Default 100.
   */
  readonly samplePercent: number;
}

export interface ConsoleConfig {
  /** Whether `/console` is served on the management port. Default true. */
  readonly enabled: boolean;
  /** How many of the last requests it keeps, and as many slow or partial ones besides. From 1 to 1000. Default 100. */
  readonly keptRequests: number;
}

const SERVICE_NAME = 'a name without control characters, at most 128 characters';

const log = group({
  level: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).optional(),
  format: z.enum(LOG_FORMATS, { error: `one of ${LOG_FORMATS.join(', ')}` }).optional(),
  requests: flag().optional(),
  successPercent: percent({ zero: 'allowed' }).optional(),
});

const tracing = group({
  endpoint: otlpEndpoint.nullable().optional(),
  headers: z.record(headerName, headerValue, { error: 'a group of headers by name' }).optional(),
  samplePercent: percent({ zero: 'allowed' }).optional(),
});

export const telemetrySchema = group({
  serviceName: z
    .string({ error: SERVICE_NAME })
    // eslint-disable-next-line no-control-regex -- which is what it is to keep out
    .regex(/^(?=.*\S)[^\u0000-\u001f\u007f]{1,128}$/, { error: SERVICE_NAME })
    .optional(),
  log: log.optional(),
  metrics: group({ enabled: flag().optional() }).optional(),
  tracing: tracing.optional(),
  console: group({ enabled: flag().optional(), keptRequests: count(1, 1_000).optional() }).optional(),
});

export type WrittenTelemetry = z.output<typeof telemetrySchema>;

/** With the defaults where nothing is written. */
export function settledTelemetry(written: WrittenTelemetry): TelemetryConfig {
  const { serviceName = 'tributary', log = {}, metrics = {}, tracing = {}, console = {} } = written;
  const { level = 'info', format = 'auto', requests = true, successPercent = 100 } = log;
  const { endpoint = null, headers = {}, samplePercent = 100 } = tracing;
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    serviceName,
    log: { level, format, requests, successPercent },
    metrics: { enabled: metrics.enabled ?? true },
    tracing: { endpoint, headers: Object.fromEntries(named) as Record<string, string>, samplePercent },
    console: { enabled: console.enabled ?? true, keptRequests: console.keptRequests ?? 100 },
  };
}
