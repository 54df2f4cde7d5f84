import { BASE_PORT, SIX_SERVICES } from '../services/six-services.js';
import { DemoFailure } from './demo-failure.js';

/** Which ports the demo takes. */
export interface DemoSettings {
  /** `DEMO_BASE_PORT`, default 4101: the first of six ports in a row, or 0 for six free ones. */
  readonly basePort: number;
  /** `PORT`, default 3000: the gateway's API. */
  readonly port: number;
  /** `MANAGEMENT_PORT`, default 3001. */
  readonly managementPort: number;
}

/** Which files the demo starts, resolved by its entry point. */
export interface DemoFiles {
  /** Starts a service, which is its first argument. */
  readonly service: string;
  /** Starts the gateway. */
  readonly gateway: string;
}

const LAST_PORT = 65_535;

/** @throws {DemoFailure} that names the variable, what it holds and what it should. */
export function readSettings(env: NodeJS.ProcessEnv): DemoSettings {
  const lastBase = LAST_PORT - SIX_SERVICES.length + 1;
  return {
    basePort: readPort(env, 'DEMO_BASE_PORT', BASE_PORT, 0, lastBase),
    port: readPort(env, 'PORT', 3000, 1, LAST_PORT),
    managementPort: readPort(env, 'MANAGEMENT_PORT', 3001, 1, LAST_PORT),
  };
}

function readPort(
  env: NodeJS.ProcessEnv,
  name: string,
  otherwise: number,
  least: number,
  most: number,
): number {
  const value = env[name];
  if (!value) return otherwise;
  const port = Number(value);
  if (Number.isInteger(port) && port >= least && port <= most) return port;
  throw new DemoFailure(`${name} must be a port from ${least} to ${most}, not "${value}".`);
}
