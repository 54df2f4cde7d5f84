import { changedKeys } from './changed-settings.js';
import { type GatewayConfig, type ServerConfig } from './gateway-config.js';

/** Settings of the server that hold as soon as they are read; the others hold from its start to its end. */
const AT_ONCE = [
  'shutdownGraceMs',
  'shutdownDrainMs',
  'reload',
] as const satisfies readonly (keyof ServerConfig)[];

/** The configuration that holds once `next` has been read: its settings, but for those that only a start can change. */
export function takenOver(running: GatewayConfig, next: GatewayConfig): GatewayConfig {
  const { shutdownGraceMs, shutdownDrainMs, reload } = next.server;
  const server = { ...running.server, shutdownGraceMs, shutdownDrainMs, reload };
  const log = { ...next.telemetry.log, format: running.telemetry.log.format };
  return { ...next, server, cache: running.cache, telemetry: { ...running.telemetry, log } };
}

/** The settings of `next`, but for upstreams and composites, that hold as soon as it is read, by their paths in the file. */
export function settingsAtOnce(running: GatewayConfig, next: GatewayConfig): readonly string[] {
  const server = AT_ONCE.filter((key) => changedKeys(running.server, next.server).includes(key));
  const log = changedKeys(running.telemetry.log, next.telemetry.log).filter((key) => key !== 'format');
  return [...server.map((key) => `server.${key}`), ...log.map((key) => `telemetry.log.${key}`)];
}

/** The settings of `next` that have to wait for the next start, by their paths in the file. */
export function settingsForNextStart(running: GatewayConfig, next: GatewayConfig): readonly string[] {
  const atOnce: ReadonlySet<string> = new Set(AT_ONCE);
  const server = changedKeys(running.server, next.server).filter((key) => !atOnce.has(key));
  const cache = changedKeys(running.cache, next.cache);
  const telemetry = changedKeys(running.telemetry, next.telemetry).filter((key) => key !== 'log');
  if (running.telemetry.log.format !== next.telemetry.log.format) telemetry.push('log.format');
  return [
    ...server.map((key) => `server.${key}`),
    ...cache.map((key) => `cache.${key}`),
    ...telemetry.map((key) => `telemetry.${key}`),
  ];
}
