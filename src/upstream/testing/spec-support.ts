import { once } from 'node:events';
import { createServer } from 'node:net';
import { type AddressInfo } from 'node:net';
import { type Observable } from 'rxjs';
import { type Serve } from '../../http/testing/recording-server.js';
import { VirtualClock } from '../../resilience/virtual-clock.js';
import { parseGatewayConfig } from '../config/gateway-config.js';
import { type UpstreamPolicyInput } from '../config/policy-schema.js';
import { type Upstream } from '../upstream.js';
import { UpstreamError } from '../upstream-error.js';
import { type UpstreamEvent } from '../upstream-events.js';
import { UpstreamRegistry, type UpstreamRegistryOptions } from '../upstream-registry.js';

/** What stands below an upstream's name in `gateway.yaml`. */
export interface WrittenUpstream extends UpstreamPolicyInput {
  readonly url?: string;
  readonly urls?: readonly string[];
  readonly discovery?: { readonly type?: string; readonly refreshMs?: number | string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly forwardHeaders?: readonly string[];
  readonly deadlineHeader?: string | null;
  readonly attemptCountHeader?: string | null;
}

/** A configuration with these upstreams; JSON is YAML. */
export function configOf(upstreams: Readonly<Record<string, WrittenUpstream>>) {
  return parseGatewayConfig(JSON.stringify({ upstreams }), { env: {} });
}

/** An upstream named `orders`, set up as the registry does it, whose time stands still until the test moves it. */
export class Fixture {
  readonly clock = new VirtualClock();
  readonly registry: UpstreamRegistry;
  readonly orders: Upstream;
  readonly events: UpstreamEvent[] = [];

  constructor(written: WrittenUpstream, options: UpstreamRegistryOptions = {}) {
    this.registry = new UpstreamRegistry(configOf({ orders: written }), { clock: this.clock, ...options });
    this.orders = this.registry.get('orders');
    this.registry.events.subscribe((event) => {
      this.events.push(event);
      // A retry's timer is set before it is told; it is due as soon as its turn is over.
      if (event.type !== 'retry') return;
      setImmediate(() => {
        this.clock.advance(event.delayMs);
      });
    });
  }

  eventsOf<K extends UpstreamEvent['type']>(type: K): Extract<UpstreamEvent, { readonly type: K }>[] {
    return this.events.filter(
      (event): event is Extract<UpstreamEvent, { readonly type: K }> => event.type === type,
    );
  }

  close(): Promise<void> {
    return this.registry.onApplicationShutdown();
  }
}

/** What came of one call. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Subscribes, and waits for the end. */
export function outcomeOf<T>(source: Observable<T>): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    let outcome: Outcome<T> = { error: new Error('completed without a value') };
    source.subscribe({
      next: (value) => {
        outcome = { value };
      },
      error: (error: unknown) => {
        resolve({ error });
      },
      complete: () => {
        resolve(outcome);
      },
    });
  });
}

/** The UpstreamError a call is expected to end with. */
export async function failureOf(source: Observable<unknown>): Promise<UpstreamError> {
  const outcome = await outcomeOf(source);
  if ('error' in outcome && outcome.error instanceof UpstreamError) return outcome.error;
  throw new Error(`expected an UpstreamError, and got ${JSON.stringify(outcome)}`);
}

/** The value a call is expected to end with. */
export async function valueOf<T>(source: Observable<T>): Promise<T> {
  const outcome = await outcomeOf(source);
  if ('value' in outcome) return outcome.value;
  throw outcome.error;
}

type Answer = number | 'none' | readonly [number, Record<string, string>];

/** Answers each request with the next status, the last one again and again; the body is `{ "status": ... }`. */
export function statuses(...list: readonly Answer[]): Serve {
  let at = 0;
  return (_request, response) => {
    const answer = list[Math.min(at++, list.length - 1)] ?? 'none';
    if (answer === 'none') return;
    const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(status === 204 ? undefined : JSON.stringify({ status }));
  };
}

/** A local address that nobody listens on. */
export async function refusingOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

/** Lets sockets and ticks speak until `done` says so; the test's own timeout is the limit. */
export async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

/** Closes, last one first, what a test has opened. */
export class Opened {
  private readonly all: { close(): Promise<void> }[] = [];

  add<T extends { close(): Promise<void> }>(one: T): T {
    this.all.push(one);
    return one;
  }

  async close(): Promise<void> {
    for (const one of this.all.splice(0).reverse()) await one.close();
  }
}
