import { isDeepStrictEqual } from 'node:util';
import { createUndiciHttpService, type UndiciHttpService } from '../http/undici-http.service.js';
import { type UndiciPoolOptions } from '../http/undici-pool.js';
import { type UpstreamConfig } from './config/gateway-config.js';
import { type UpstreamRuntime } from './upstream-runtime.js';

/** The bare wire to an upstream: its sockets, and what its answers may weigh. */
export function wireFor(config: UpstreamConfig, runtime: UpstreamRuntime): UndiciHttpService {
  return createUndiciHttpService({ pool: poolOf(config, runtime), ...limitsOf(config) });
}

/**
 * Makes a wire what this configuration says. Its sockets stay where they may: they are others where the upstream is
 * another, or lives otherwise.
 */
export function renewWire(
  wire: UndiciHttpService,
  config: UpstreamConfig,
  before: UpstreamConfig,
  runtime: UpstreamRuntime,
): void {
  wire.limitBodies(limitsOf(config));
  if (!isDeepStrictEqual(socketsOf(config), socketsOf(before))) wire.renewPool(poolOf(config, runtime));
}

/** What sockets depend on. */
function socketsOf({ endpoints, discovery, policy }: UpstreamConfig): readonly unknown[] {
  return [endpoints, discovery, policy.connections, policy.connectTimeoutMs];
}

function poolOf(
  { policy: { connections, connectTimeoutMs } }: UpstreamConfig,
  { clock, random }: UpstreamRuntime,
): UndiciPoolOptions {
  return {
    connections: connections.perEndpoint,
    connectTimeoutMs,
    keepAliveTimeoutMs: connections.keepAliveMs,
    keepAliveMaxTimeoutMs: connections.keepAliveMaxMs,
    maxAgeMs: connections.maxAgeMs,
    clock,
    random,
  };
}

function limitsOf({ policy: { response } }: UpstreamConfig): {
  readonly maxWireBytes: number;
  readonly maxInflatedBytes: number;
} {
  return { maxWireBytes: response.maxWireBytes, maxInflatedBytes: response.maxBodyBytes };
}
