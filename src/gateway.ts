import { type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { gatewayServerOptions } from './aggregation/server-options.js';
import { AppModule } from './app.module.js';
import { ManagementModule } from './health/management.module.js';
import { ShutdownState } from './health/shutdown-state.js';
import { UpstreamHealth } from './health/upstream-health.js';
import { serveOpenApi } from './openapi.js';
import { type GatewayConfig } from './upstream/config/gateway-config.js';

/** A running gateway: the API, and the management side that shares its upstreams. */
export interface Gateway {
  readonly api: NestFastifyApplication;
  readonly management: NestFastifyApplication;
  /** Stops as DESIGN asks: no longer ready, serving through `graceMs`, then drained and closed. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts the API and the management side on the ports of the configuration. An upstream that is down never stops the
 * start.
 */
export async function startGateway(config: GatewayConfig, logger?: LoggerService | false): Promise<Gateway> {
  const { server } = config;
  // Errors come back to the caller, which says what they mean; Nest would end the process.
  const options = { abortOnError: false, ...(logger === undefined ? {} : { logger }) };
  const api = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    gatewayAdapter(),
    options,
  );
  serveOpenApi(api);
  const shared = { health: api.get(UpstreamHealth), shutdown: api.get(ShutdownState) };
  const management = await NestFactory.create<NestFastifyApplication>(
    ManagementModule.sharing(shared),
    gatewayAdapter(),
    options,
  );
  await api.listen(server.port, server.host);
  await management.listen(server.managementPort, server.managementHost);

  return {
    api,
    management,
    async stop(graceMs) {
      shared.shutdown.begin();
      if (graceMs > 0) await new Promise((resolve) => setTimeout(resolve, graceMs));
      await Promise.race([api.close(), drainLimit(server.shutdownDrainMs)]);
      await management.close();
    },
  };
}

function gatewayAdapter(): FastifyAdapter {
  return new FastifyAdapter(gatewayServerOptions());
}

function drainLimit(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
