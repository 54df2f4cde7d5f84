import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type AdmissionPolicy, type Priority } from '../../resilience/admission.js';
import { checkedInput } from './checked-input.js';
import { ConfigurationError } from './configuration-error.js';
import { ConfigurationReport } from './configuration-report.js';
import { type Path, valueAt } from './configuration-source.js';
import { deepFrozen } from './deep-frozen.js';
import { type Environment } from './environment-variables.js';
import {
  gatewaySchema,
  type WrittenCache,
  type WrittenServer,
  type WrittenUpstream,
} from './gateway-schema.js';
import { nearestName } from './nearest-name.js';
import {
  policySchema,
  type UpstreamPolicy,
  type UpstreamPolicyInput,
  type WrittenPolicy,
} from './policy-schema.js';
import { type PolicyLayer, settlePolicy } from './policy.js';
import { settledTelemetry, type TelemetryConfig } from './telemetry-config.js';
import { YamlSource } from './yaml-source.js';

/** A gateway file, checked and settled; frozen through and through. */
export interface GatewayConfig {
  /** The file, as it was named when it was loaded. */
  readonly file: string;
  readonly server: ServerConfig;
  readonly cache: CacheConfig;
  readonly telemetry: TelemetryConfig;
  /** By name, in the order of the file. */
  readonly upstreams: Readonly<Record<string, UpstreamConfig>>;
}

export interface ServerConfig {
  /** Where the API listens. Default 0.0.0.0. */
  readonly host: string;
  /** 0 lets the system choose. Default 3000. */
  readonly port: number;
  /** Where health in full, metrics and the console listen. Default 127.0.0.1: what describes the inside stays inside. */
  readonly managementHost: string;
  /** 0 lets the system choose. Default 3001. */
  readonly managementPort: number;
  /**
   * What a request must bear (`Authorization: Bearer ...`) to change anything by the management port: a breaker, a probe,
   * the level of the log. A secret: not to be logged. Null (the default) lets nobody.
   */
  readonly adminToken: string | null;
  /** How long to keep serving, no longer ready, before connections are refused, in ms. Default 5000. */
  readonly shutdownGraceMs: number;
  /** How long requests in flight then have to finish, in ms. Default 10000. */
  readonly shutdownDrainMs: number;
  /**
   * IP addresses and CIDR ranges of callers whose {@link deadlineHeader}, {@link attemptCountHeader} and `traceparent`
   * are believed;
   * an IPv4 range holds for the same addresses as IPv6 has them (`::ffff:10.0.0.1`). The address is that of the
   * connection, whatever `Forwarded` says. Default loopback and private networks, which Envoy takes for internal as
   * well: 127.0.0.0/8, ::1, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7; an empty list believes nobody.
   */
  readonly trustedCallers: readonly string[];
  /**
   * The header in which a trusted caller says how long it waits, in ms: it only ever shrinks a deadline. In lower
   * case; null believes none. Default Envoy's, `x-envoy-expected-rq-timeout-ms`.
   */
  readonly deadlineHeader: string | null;
  /**
   * The header in which a trusted caller says how often it has sent the request, 1 for the first time: from 2 on,
   * nothing is retried or hedged for it here. In lower case; null believes none. Default Envoy's,
   * `x-envoy-attempt-count`.
   */
  readonly attemptCountHeader: string | null;
  /** When the API refuses requests at the door. The management side refuses none. */
  readonly admission: AdmissionConfig;
  /** When the gateway file is read again, besides on SIGHUP. */
  readonly reload: ReloadConfig;
}

/** Composites, upstreams and policies change while the gateway serves; what else stands under `server` does not. */
export interface ReloadConfig {
  /** Whether a change of the gateway file is taken over by itself. Default false. */
  readonly watch: boolean;
  /** How often the file is looked at, in ms. From 100. Default 1000. */
  readonly intervalMs: number;
}

/** When requests are refused with 503 before their bodies are read. `/health` is neither refused nor counted. */
export interface AdmissionConfig extends AdmissionPolicy {
  /**
   * Requests that may be answered at once; null for no limit. From 1. Default 2000: twice what Envoy (1024) and .NET's
   * limiter (1000) allow one client, since equal requests that wait for one call are cheap; far above what a healthy
   * process has in flight, below what exhausts its memory.
   */
  readonly maxInFlight: number | null;
  /** What requests of `default` priority may use of it, in percent; the rest is left to `critical` ones. Default 90. */
  readonly defaultSharePercent: number;
  /** What `sheddable` requests may use of it, in percent; at most `defaultSharePercent`. Default 50. */
  readonly sheddableSharePercent: number;
  /**
   * Smoothed event-loop delay, in ms, from which on a growing share of requests is refused, 90 % of them at twice the
   * delay; `sheddable` ones from half of it on, `critical` ones from twice. Null never looks at it. From 1. Default 200.
   */
  readonly maxLoopDelayMs: number | null;
  /**
   * `critical`, `default` or `sheddable` by the beginning of a route, whole segments, parameters as `{sku}` or `:sku`;
   * the longest that fits holds. One above no route is warned of at the start. Others are `default`. A request with
   * `Priority: u=4` to `u=7` (RFC 9218) is `sheddable` wherever it goes. Default none.
   */
  readonly priorities: Readonly<Record<string, Priority>>;
}

/** Where the answers are kept that upstreams' `cache` policies keep. */
export interface CacheConfig {
  /** Memory for answers kept in this process, in bytes; the least recently used go first. Default 64 MiB. */
  readonly maxBytes: number;
  /**
   * A Redis in which replicas keep answers together, instead of in memory: `redis://` or `rediss://`. It may hold a
   * password: not to be logged. Null (the default) for none.
   */
  readonly redisUrl: string | null;
  /** The longest a call waits for Redis, in ms; then it goes on as if nothing were kept. Default 50. */
  readonly redisTimeoutMs: number;
  /** What the keys in Redis begin with. Gateways that share it share answers. Default tributary. */
  readonly redisNamespace: string;
}

export interface UpstreamConfig {
  readonly name: string;
  /** Base URLs, at least one, without a slash at the end. From `url` or `urls`. */
  readonly endpoints: readonly string[];
  /** How the hosts of those URLs become addresses. */
  readonly discovery: Discovery;
  /** Whether the gateway is not ready while this upstream is down. Default false. */
  readonly critical: boolean;
  /** How to ask for its health; null (`health: null`) never asks. */
  readonly health: HealthProbe | null;
  /** Sent with every call; names in lower case. They may hold secrets: not to be logged. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of the incoming request that are passed on; in lower case. Default none. */
  readonly forwardHeaders: readonly string[];
  /** The header that tells the upstream the time left, in ms; null tells it nothing. Default Envoy's. */
  readonly deadlineHeader: string | null;
  /**
   * The header that tells the upstream the number of the attempt, 1 for the first, and at least 2 where the caller of
   * the gateway repeats its request: an upstream that reads it need not retry as well. Null tells it nothing. Default
   * Envoy's, `x-envoy-attempt-count`.
   */
  readonly attemptCountHeader: string | null;
  /**
   * Path of its OpenAPI document, in YAML or JSON; undefined where there is none. In the file a relative one starts
   * from the gateway file, here from where that file's own path does.
   */
  readonly openapi: string | undefined;
  readonly policy: UpstreamPolicy;
  /**
   * What the file says of the policy (`defaults` and upstream), without what was settled by default. Lay code
   * overrides over this, not over `policy`: a default yields to what is written, a written value does not.
   */
  readonly writtenPolicy: UpstreamPolicyInput;
}

export interface Discovery {
  /**
   * Envoy's terms. `logical-dns`: each URL is one endpoint, whichever of its host's addresses a connection gets;
   * `strict-dns`: each address of its host is an endpoint of its own, that takes its turn and may be ejected. Default
   * logical-dns.
   */
  readonly type: 'logical-dns' | 'strict-dns';
  /**
   * With `strict-dns`, how long addresses hold before a call has them resolved anew, in ms, give or take 20 % at
   * random. From 100. Default 5000.
   */
  readonly refreshMs: number;
}

export interface HealthProbe {
  /** Appended to an endpoint. Default /health. */
  readonly path: string;
  /** Time between two probes, in ms. Default 5000. */
  readonly intervalMs: number;
  /**
   * How far an interval may be shorter or longer, at random: replicas that were started together do not stay in step.
   * From 0 to 100. Default 20.
   */
  readonly jitterPercent: number;
  /** How long a probe may take, in ms; at most the interval. Default 1000. */
  readonly timeoutMs: number;
}

export interface GatewayConfigOptions {
  /** Path of the file; errors name it as it is here. Default `gateway.yaml`. */
  readonly file?: string | undefined;
  /** What `${NAME}` is taken from. Default `process.env`. */
  readonly env?: Environment | undefined;
}

/** Envoy's header for the time left: upstreams behind an Envoy sidecar honour it unasked. */
const DEFAULT_DEADLINE_HEADER = 'x-envoy-expected-rq-timeout-ms';
const DEFAULT_ATTEMPT_COUNT_HEADER = 'x-envoy-attempt-count';

/** Loopback, RFC 1918 and RFC 4193: whoever calls from there is no client from outside. */
const INTERNAL_NETWORKS: readonly string[] = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
];

/** Also a token of RFC 9651, so that a name can stand in a `Composite-Parts` header as it is. */
const UPSTREAM_NAME = /^[a-zA-Z][a-zA-Z0-9_-]*$/;

/**
 * Reads, checks and settles a gateway file.
 *
 * @throws ConfigurationError with everything that is wrong with it, or because it cannot be read.
 */
export function loadGatewayConfig({ file = 'gateway.yaml', env }: GatewayConfigOptions = {}): GatewayConfig {
  return parseGatewayConfig(gatewayText(file), { file, env });
}

/**
 * As loadGatewayConfig, for a text. `file` is its name in errors.
 *
 * @throws ConfigurationError with everything that is wrong with it.
 */
export function parseGatewayConfig(text: string, options: GatewayConfigOptions = {}): GatewayConfig {
  const { config, report } = readGatewayFile(text, options);
  report.throwIfAny();
  return deepFrozen(config);
}

/** A gateway file whose mistakes are not said yet: layers above read sections of their own from it first. */
export interface GatewayFile {
  readonly source: YamlSource;
  readonly report: ConfigurationReport;
  /** Usable only if the report stays empty. */
  readonly config: GatewayConfig;
}

/**
 * Reads a gateway file and collects what is wrong with what this layer knows of it.
 *
 * @throws ConfigurationError if it is no YAML.
 */
export function readGatewayFile(
  text: string,
  { file = 'gateway.yaml', env = process.env }: GatewayConfigOptions = {},
): GatewayFile {
  const source = YamlSource.parse(text, { file, env });
  const report = new ConfigurationReport(source);
  report.problems.push(...source.problems);
  const written = checkedInput(gatewaySchema, source.value, report) ?? {};
  const defaults: PolicyLayer = {
    given: valueAt(source.value, ['defaults']),
    written: written.defaults ?? {},
    report,
    at: ['defaults'],
    origin: 'from defaults',
  };
  const known = settlePolicy([defaults]).broken;
  const settle = ([name, upstream]: [string, WrittenUpstream]): [string, UpstreamConfig] => {
    const at = ['upstreams', name];
    const given = valueAt(source.value, at);
    const own: PolicyLayer = {
      given,
      written: policyOf(upstream),
      report,
      at,
      origin: `from upstreams.${name}`,
    };
    const { policy, written: writtenPolicy } = settlePolicy([defaults, own], known);
    return [
      name,
      { ...settledUpstream(name, upstream, { source, report, at, file }), policy, writtenPolicy },
    ];
  };
  checkUpstreamNames(source, report);
  const config: GatewayConfig = {
    file,
    server: settledServer(written.server ?? {}, report),
    cache: settledCache(written.cache ?? {}),
    telemetry: settledTelemetry(written.telemetry ?? {}),
    upstreams: Object.fromEntries(Object.entries(written.upstreams ?? {}).map(settle)),
  };
  return { source, report, config };
}

/**
 * The upstream of that name.
 *
 * @param where what asks for it, for the error: `UpstreamModule.register({ name: 'order' })`.
 * @throws ConfigurationError naming the nearest upstream there is.
 */
export function knownUpstream(config: GatewayConfig, name: string, where = ''): UpstreamConfig {
  const upstream = Object.hasOwn(config.upstreams, name) ? config.upstreams[name] : undefined;
  if (upstream) return upstream;
  const names = Object.keys(config.upstreams);
  const nearest = nearestName(name, names);
  const hint = nearest ? `did you mean '${nearest}'?` : `upstreams there: ${names.join(', ')}`;
  throw new ConfigurationError([
    { path: where, message: `upstream '${name}' is not in ${config.file}; ${hint}` },
  ]);
}

/**
 * The text of a gateway file.
 *
 * @throws ConfigurationError because it cannot be read.
 */
export function gatewayText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new ConfigurationError([{ file, path: '', message: unreadable(file, error) }]);
  }
}

/** Why a file cannot be read. */
export function unreadable(file: string, error: unknown): string {
  const code =
    typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT') return `there is no such file; looked for ${resolve(file)}`;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
    return 'found bytes that are not UTF-8; expected a text file';
  return `cannot be read (${code}); looked for ${resolve(file)}`;
}

function checkUpstreamNames(source: YamlSource, report: ConfigurationReport): void {
  const upstreams = valueAt(source.value, ['upstreams']);
  const names = keysOf(upstreams);
  const none = upstreams === undefined ? keysOf(source.value) !== undefined : names?.length === 0;
  if (none) report.missing(['upstreams'], 'at least one upstream');
  for (const name of names ?? []) {
    if (UPSTREAM_NAME.test(name)) continue;
    const expected = 'a name of letters, digits, - and _, beginning with a letter';
    report.add(
      ['upstreams', name],
      'key',
      `found ${JSON.stringify(name)} as the name of an upstream; expected ${expected}`,
    );
  }
}

interface Place {
  readonly source: YamlSource;
  readonly report: ConfigurationReport;
  readonly at: Path;
  readonly file: string;
}

function settledUpstream(
  name: string,
  written: WrittenUpstream,
  place: Place,
): Omit<UpstreamConfig, 'policy' | 'writtenPolicy'> {
  const { critical = false } = written;
  const headers = settledHeaders(written.headers ?? {}, place);
  const forwardHeaders = [...new Set(written.forwardHeaders)];
  for (const header of forwardHeaders.filter((header) => Object.hasOwn(headers, header))) {
    const message = `found ${header}, which headers sets as well; expected it in one of the two`;
    place.report.add([...place.at, 'forwardHeaders'], 'value', message);
  }
  const endpoints = settledEndpoints(written, place);
  const { type = 'logical-dns', refreshMs = 5_000 } = written.discovery ?? {};
  return {
    name,
    endpoints,
    discovery: { type, refreshMs },
    critical,
    health: settledHealth(written.health, place),
    headers,
    forwardHeaders,
    ...settledHints(written, place),
    openapi: settledPath(written.openapi, place),
  };
}

/** A path, of which a relative one starts from the gateway file. */
function settledPath(written: string | undefined, { file }: Pick<Place, 'file'>): string | undefined {
  return written === undefined || isAbsolute(written) ? written : join(dirname(file), written);
}

/** The headers that carry the time left and the number of the attempt, in or out. */
function settledHints(
  written: Pick<WrittenServer, 'deadlineHeader' | 'attemptCountHeader'>,
  { report, at }: Pick<Place, 'report' | 'at'>,
): Pick<UpstreamConfig, 'deadlineHeader' | 'attemptCountHeader'> {
  const { deadlineHeader = DEFAULT_DEADLINE_HEADER, attemptCountHeader = DEFAULT_ATTEMPT_COUNT_HEADER } =
    written;
  if (deadlineHeader === attemptCountHeader && deadlineHeader !== null) {
    const [key, other] =
      written.attemptCountHeader === undefined
        ? ['deadlineHeader', 'attemptCountHeader']
        : ['attemptCountHeader', 'deadlineHeader'];
    report.unexpected([...at, key], `another header than ${other} has`);
  }
  return { deadlineHeader, attemptCountHeader };
}

function settledEndpoints({ url, urls }: WrittenUpstream, { source, report, at }: Place): readonly string[] {
  const given = keysOf(valueAt(source.value, at)) ?? [];
  if (!given.includes('url') && !given.includes('urls')) {
    report.missing([...at, 'url'], 'the base URL of the upstream (or urls, for several endpoints)', [
      ...at,
      'urls',
    ]);
  }
  if (given.includes('url') && given.includes('urls')) {
    report.add([...at, 'urls'], 'key', 'found next to url; expected one of the two');
  }
  return urls ?? (url === undefined ? [] : [url]);
}

function settledHeaders(
  valid: NonNullable<WrittenUpstream['headers']>,
  { source, report, at }: Place,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const written of keysOf(valueAt(source.value, [...at, 'headers'])) ?? []) {
    const name = written.toLowerCase();
    const path = [...at, 'headers', written];
    if (Object.hasOwn(headers, name))
      report.add(path, 'key', 'found a second time (case does not count); expected each header once');
    // As text: a key of 007 is no number.
    if (Object.hasOwn(valid, name)) headers[name] = source.textAt(path) ?? '';
  }
  return headers;
}

function settledHealth(written: WrittenUpstream['health'], { report, at }: Place): HealthProbe | null {
  if (written === null) return null;
  const { path = '/health', intervalMs = Math.max(5_000, written?.timeoutMs ?? 0) } = written ?? {};
  const timeoutMs = written?.timeoutMs ?? Math.min(1_000, intervalMs);
  if (timeoutMs > intervalMs) {
    const interval = report.source.written([...at, 'health', 'intervalMs']);
    const expected = `at most health.intervalMs, which is ${interval}: one probe ends before the next begins`;
    report.unexpected([...at, 'health', 'timeoutMs'], expected);
  }
  return { path, intervalMs, jitterPercent: written?.jitterPercent ?? 20, timeoutMs };
}

function settledServer(written: WrittenServer, report: ConfigurationReport): ServerConfig {
  const { host = '0.0.0.0', managementHost = '127.0.0.1', port = 3_000, managementPort = 3_001 } = written;
  if (port === managementPort && port !== 0) {
    const [key, other] =
      written.managementPort === undefined ? ['port', 'managementPort'] : ['managementPort', 'port'];
    report.unexpected(['server', key], `another port than server.${other} has`);
  }
  const { shutdownGraceMs = 5_000, shutdownDrainMs = 10_000, trustedCallers = INTERNAL_NETWORKS } = written;
  const { watch = false, intervalMs = 1_000 } = written.reload ?? {};
  const hints = settledHints(written, { report, at: ['server'] });
  return {
    host,
    port,
    managementHost,
    managementPort,
    adminToken: written.adminToken ?? null,
    shutdownGraceMs,
    shutdownDrainMs,
    trustedCallers,
    ...hints,
    admission: settledAdmission(written.admission ?? {}, report),
    reload: { watch, intervalMs },
  };
}

function settledAdmission(
  written: NonNullable<WrittenServer['admission']>,
  report: ConfigurationReport,
): AdmissionConfig {
  const { maxInFlight = 2_000, maxLoopDelayMs = 200, priorities = {} } = written;
  const defaultSharePercent = written.defaultSharePercent ?? Math.max(90, written.sheddableSharePercent ?? 0);
  const sheddableSharePercent = written.sheddableSharePercent ?? Math.min(50, defaultSharePercent);
  if (sheddableSharePercent > defaultSharePercent) {
    const share = report.source.written(['server', 'admission', 'defaultSharePercent']);
    const expected = `at most server.admission.defaultSharePercent, which is ${share}: the lesser requests have the lesser share`;
    report.unexpected(['server', 'admission', 'sheddableSharePercent'], expected);
  }
  return { maxInFlight, defaultSharePercent, sheddableSharePercent, maxLoopDelayMs, priorities };
}

function settledCache(written: WrittenCache): CacheConfig {
  const {
    maxBytes = 64 * 2 ** 20,
    redisUrl = null,
    redisTimeoutMs = 50,
    redisNamespace = 'tributary',
  } = written;
  return { maxBytes, redisUrl, redisTimeoutMs, redisNamespace };
}

function policyOf(upstream: WrittenUpstream): WrittenPolicy {
  return Object.fromEntries(Object.entries(upstream).filter(([key]) => key in policySchema.shape));
}

/** The keys of a group; undefined for anything else. */
function keysOf(value: unknown): readonly string[] | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.keys(value)
    : undefined;
}
