import { type LookupFunction, type Socket } from 'node:net';
import { type SecureContextOptions } from 'node:tls';
import { Agent, buildConnector, type Dispatcher, errors, Pool } from 'undici';
import { type Clock, systemClock } from '../resilience/clock.js';
import { type Random, systemRandom } from '../resilience/random.js';
import { ConnectionAge } from './connection-age.js';
import { SocketClient } from './socket-client.js';
import { WireTraffic } from './wire-traffic.js';

/** Sockets and their lives. Every option has a default that suits calls between services. */
export interface UndiciPoolOptions {
  /**
   * Most sockets per origin; further calls wait for one. `null` for no limit.
   * @default 128, twice the default bulkhead, which should be what is felt first
   */
  readonly connections?: number | null;
  /**
   * Milliseconds for DNS, TCP and TLS together. Exceeded, a call fails with code ETIMEDOUT.
   * @default 500
   */
  readonly connectTimeoutMs?: number;
  /**
   * Milliseconds an idle socket is kept if the server does not say how long it keeps it. Keep it below the
   * server's own idle time, or calls meet sockets that are just being closed.
   * @default 4000
   */
  readonly keepAliveTimeoutMs?: number;
  /**
   * Milliseconds an idle socket is kept at most, whatever the server's Keep-Alive header says.
   * @default 25000
   */
  readonly keepAliveMaxTimeoutMs?: number;
  /**
   * Milliseconds after which a socket gets its last request, give or take 20 % at random, so that traffic follows a
   * host name to its new addresses; `null` for never. For HTTP/1.1; a socket that speaks HTTP/2 stays.
   * @default 60000
   */
  readonly maxAgeMs?: number | null;
  /**
   * Requests sent on one socket before the first is answered. With more than 1, a slow answer holds up
   * those behind it.
   * @default 1
   */
  readonly pipelining?: number;
  /**
   * Offer HTTP/2 when connecting over TLS.
   * @default false
   */
  readonly allowH2?: boolean;
  /** Certificates, keys and verification for https origins, as for `tls.connect()`. */
  readonly tls?: SecureContextOptions & {
    readonly rejectUnauthorized?: boolean;
    readonly servername?: string;
  };
  /**
   * How host names become addresses. Asked for every socket; nothing is remembered.
   * @default the system's, `dns.lookup`
   */
  readonly lookup?: LookupFunction;
  /**
   * What the age of sockets is measured with.
   * @default Node's monotonic clock
   */
  readonly clock?: Pick<Clock, 'now'>;
  /**
   * What ages are spread with.
   * @default Math.random
   */
  readonly random?: Random;
}

/**
 * An undici Agent, one pool of sockets an origin, that can be closed within a bounded time. It may be given other
 * sockets while it is used: what is under way stays on those it began on.
 */
export class UndiciPool {
  /** Of all its sockets, whatever options they were opened by. */
  readonly traffic = new WireTraffic();
  private agent: Agent;
  /** Those that take nothing new and end with what they carry. */
  private readonly leaving = new Set<Promise<void>>();
  // An Agent forgets its pools when it is closed, so that destroying it then reaches none of them.
  private readonly pools = new Set<Pool>();

  constructor(private options: UndiciPoolOptions = {}) {
    this.agent = this.agentOf(options);
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.agent.dispatch(options, handler);
  }

  /** From now on sockets are opened as these options say. Those there are close when what they carry has ended. */
  renew(options: UndiciPoolOptions): void {
    const before = this.agent;
    this.options = options;
    this.agent = this.agentOf(options);
    const left = before.close().finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }

  /**
   * Keeps no socket any more: each that is still opened carries one request. Ends when those there were are closed, and
   * cuts nothing off.
   */
  async retire(): Promise<void> {
    this.renew({ ...this.options, maxAgeMs: 0 });
    await Promise.all(this.leaving);
  }

  /** Refuses new exchanges, lets running ones end, and after `graceMs` milliseconds cuts off what is left. */
  async close(graceMs: number): Promise<void> {
    const grace = setTimeout(() => {
      for (const pool of this.pools) void pool.destroy();
    }, graceMs);
    await Promise.all([this.agent.close(), ...this.leaving]);
    clearTimeout(grace);
  }

  private agentOf(options: UndiciPoolOptions): Agent {
    const { maxAgeMs = 60_000, clock = systemClock, random = systemRandom } = options;
    const age = maxAgeMs === null ? undefined : new ConnectionAge(maxAgeMs, clock, random);
    const openClient: SocketFactory = (origin, clientOptions) => new SocketClient(origin, clientOptions, age);
    return new Agent({
      connections: options.connections === undefined ? 128 : options.connections,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 4_000,
      keepAliveMaxTimeout: options.keepAliveMaxTimeoutMs ?? 25_000,
      pipelining: options.pipelining ?? 1,
      allowH2: options.allowH2 ?? false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: timedConnector(options, this.traffic),
      factory: (origin, poolOptions) => this.open(origin, poolOptions, openClient),
    });
  }

  private open(origin: string | URL, options: object, openClient: SocketFactory): Pool {
    for (const pool of this.pools) {
      if (pool.destroyed) this.pools.delete(pool);
    }
    const pool = new Pool(origin, { ...options, factory: openClient });
    this.pools.add(pool);
    return pool;
  }
}

type SocketFactory = (origin: URL, options: object) => SocketClient;

/**
 * Opens sockets under a timer of its own: undici times connecting with a clock of half-second ticks, by
 * which its 500 ms are up to 1.5 s.
 */
function timedConnector(options: UndiciPoolOptions, traffic: WireTraffic): buildConnector.connector {
  const { connectTimeoutMs = 500, allowH2 = false, lookup } = options;
  const resolving = lookup === undefined ? {} : { lookup };
  const connect = buildConnector({ ...options.tls, ...resolving, allowH2, timeout: 0 }) as Connect;
  return (target, callback) => {
    let connecting = true;
    const socket = connect(target, (...outcome) => {
      connecting = false;
      clearTimeout(timer);
      // By the error: a socket that did not open is left out, whatever the types say.
      if (outcome[0] === null) traffic.watch(outcome[1]);
      callback(...outcome);
    });
    const giveUp = (): void => {
      if (connecting) socket.destroy(connectTimeout(target, connectTimeoutMs));
    };
    // Decided one turn later, so that a connection made while the event loop was blocked still counts.
    const timer = setTimeout(() => setImmediate(giveUp), connectTimeoutMs);
  };
}

/** undici's connector returns the socket it opens; its type does not say so. */
type Connect = (...args: Parameters<buildConnector.connector>) => Socket;

function connectTimeout({ hostname, port }: buildConnector.Options, timeoutMs: number): Error {
  const address = port === '' ? hostname : `${hostname}:${port}`;
  return new errors.ConnectTimeoutError(
    `Connect Timeout Error (attempted address: ${address}, timeout: ${timeoutMs}ms)`,
  );
}
