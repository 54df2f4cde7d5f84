import { type DynamicModule, Logger, type LoggerService, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Tracer } from '@opentelemetry/api';
import { type FastifyServerOptions } from 'fastify';
import { ExchangeEvents } from './aggregation/exchange-events.js';
import { FailureLog } from './aggregation/failure-log.js';
import { gatewayServerOptions } from './aggregation/server-options.js';
import { AppModule } from './app.module.js';
import { packageVersion } from './cli/package-version.js';
import { ShutdownState } from './health/shutdown-state.js';
import { listen } from './listen.js';
import { ManagementModule } from './management.module.js';
import { serveOpenApi } from './openapi.js';
import { GatewayReload } from './reload.js';
import { startTracing } from './telemetry/tracing.js';
import { GatewayLog } from './telemetry/log/gateway-log.js';
import { GatewayLogger } from './telemetry/log/gateway-logger.js';
import { UpstreamRegistry } from './upstream/upstream-registry.js';
import { type GatewayDefinition } from './composite/config/gateway.js';

/** A running gateway: the API, and the management side that shares its upstreams. */
export interface Gateway {
  readonly api: NestFastifyApplication;
  readonly management: NestFastifyApplication;
  /** Takes over the file it was started with, as it is by then. */
  readonly reload: GatewayReload;
  /** Stops as DESIGN asks: no longer ready, serving through `graceMs`, then drained and closed. */
  stop(graceMs: number): Promise<void>;
}

export interface GatewayOptions {
  /** Modules whose controllers the API serves besides the composites of the file. Default none. */
  readonly features?: readonly Type[];
  /** False for none. Default: Nest's own. */
  readonly logger?: LoggerService | false | undefined;
  /** Ports to listen on in place of those of the configuration; 0 for any that is free. */
  readonly ports?: Ports | undefined;
}

export interface Ports {
  readonly port?: number | undefined;
  readonly managementPort?: number | undefined;
}

export interface ApiOptions extends GatewayOptions {
  /** What the URL of a request is, where it does not come in as it is. */
  readonly rewriteUrl?: FastifyServerOptions['rewriteUrl'];
  /** Makes the spans of requests. Default: that of the OpenTelemetry SDK which is registered, if one is. */
  readonly tracer?: Tracer | undefined;
}

/** The API, not listening: what {@link startGateway} starts, and what `openapi.json` is made from. */
export function createApi(
  definition: GatewayDefinition,
  { features, logger, rewriteUrl, tracer }: ApiOptions = {},
): Promise<NestFastifyApplication> {
  return createApp(AppModule.with(definition, features, tracer), logger, rewriteUrl);
}

/**
 * Starts the API and the management side on the ports of the configuration. An upstream that is down never stops the
 * start.
 *
 * @throws ListenError if it cannot listen where it is to.
 */
export async function startGateway(
  definition: GatewayDefinition,
  options: GatewayOptions = {},
): Promise<Gateway> {
  const { host, managementHost, ...configured } = definition.config.server;
  const { port = configured.port, managementPort = configured.managementPort } = options.ports ?? {};
  const tracing = await startTracing(definition.config.telemetry, {
    version: packageVersion(),
    warn: (line) => {
      tracingLog.warn(line);
    },
  });
  const api = await createApi(definition, { ...options, tracer: tracing?.tracer });
  serveOpenApi(api);
  const log = startLog(api, definition, options.logger);
  const reload = new GatewayReload(api, definition, ({ telemetry }) => {
    log.configure(telemetry.log);
  });
  const management = await createApp(
    ManagementModule.of(api, reload.state, { levels: log.levels, output: outputOf(options.logger) }),
    options.logger,
  );
  try {
    await listen(api, { side: 'api', port, host });
    await listen(management, { side: 'management', port: managementPort, host: managementHost });
  } catch (error) {
    // What has been started by then would keep the process.
    log.stop();
    await Promise.allSettled([api.close(), management.close(), tracing?.stop()]);
    throw error;
  }

  return {
    api,
    management,
    reload,
    async stop(graceMs) {
      api.get(ShutdownState).begin();
      if (graceMs > 0) await new Promise((resolve) => setTimeout(resolve, graceMs));
      // The last spans are those of the requests that are drained.
      const drained = api.close().then(() => tracing?.stop());
      await Promise.race([drained, drainLimit(reload.definition.config.server.shutdownDrainMs)]);
      await management.close();
      log.stop();
    },
  };
}

const tracingLog = new Logger('Tracing');

/** Logs requests and calls as the configuration says. */
function startLog(
  api: NestFastifyApplication,
  { config }: GatewayDefinition,
  logger: GatewayOptions['logger'],
): GatewayLog {
  const log = new GatewayLog(
    {
      exchanges: api.get(ExchangeEvents),
      failures: api.get(FailureLog),
      upstreams: api.get(UpstreamRegistry).events,
    },
    logger instanceof GatewayLogger ? logger.levels : undefined,
  );
  // Nobody would see it.
  if (logger !== false) log.configure(config.telemetry.log);
  return log;
}

function outputOf(logger: GatewayOptions['logger']): GatewayLogger['output'] | undefined {
  return logger instanceof GatewayLogger ? logger.output : undefined;
}

function createApp(
  root: DynamicModule,
  logger: LoggerService | false | undefined,
  rewriteUrl?: ApiOptions['rewriteUrl'],
): Promise<NestFastifyApplication> {
  const server = { ...gatewayServerOptions(), ...(rewriteUrl === undefined ? {} : { rewriteUrl }) };
  return NestFactory.create<NestFastifyApplication>(root, new FastifyAdapter(server), {
    // Errors come back to the caller, which says what they mean; Nest would end the process.
    abortOnError: false,
    ...(logger === undefined ? {} : { logger }),
  });
}

function drainLimit(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
