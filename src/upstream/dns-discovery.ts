import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { type Clock } from '../resilience/clock.js';
import { type Random } from '../resilience/random.js';

/** All addresses of a host name, IPv4 and IPv6; rejects where there is none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** One address of the host of a URL. */
export interface DiscoveredEndpoint {
  /** The URL, with the address in place of the host name. */
  readonly baseUrl: string;
  /** The host and port of the URL: what `Host` and TLS go by. Undefined where the URL holds an address itself. */
  readonly host: string | undefined;
}

export interface DnsDiscoveryOptions {
  /** Base URLs whose hosts are resolved. */
  readonly urls: readonly string[];
  /** How old what is known may get before it is asked for anew, in ms, give or take 20 % at random. */
  readonly refreshMs: number;
  readonly resolve: ResolveHost;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  /** Told all endpoints there are now, whenever that has changed. */
  readonly onChange: (endpoints: readonly DiscoveredEndpoint[]) => void;
  /** Told when a host could not be resolved. */
  readonly onFailure: (hostname: string, error: unknown) => void;
}

/** Spread of the refresh either way: replicas do not ask in step. */
const JITTER = 0.2;

/** The system's resolver, `getaddrinfo`: what connecting goes by as well, `/etc/hosts` included. */
export const systemResolve: ResolveHost = async (hostname) =>
  (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Finds the addresses behind the host names of an upstream's URLs (Envoy's STRICT_DNS). It has no timer: a call that
 * finds them too old has them asked for, once, and goes by those that are known. A host that cannot be resolved, or
 * has no address any more, keeps the ones it had; until it has any, it stands for itself.
 */
export class DnsDiscovery {
  /** By host name. */
  private readonly known = new Map<string, readonly string[]>();
  private readonly hostnames: readonly string[];
  private dueAt = -Infinity;
  private asking = false;
  private told = '';

  constructor(private readonly options: DnsDiscoveryOptions) {
    const hostnames = options.urls.map((url) => new URL(url).hostname).filter((host) => !isAddress(host));
    this.hostnames = [...new Set(hostnames)];
  }

  /** Whether there is any name to resolve. */
  get isNeeded(): boolean {
    return this.hostnames.length > 0;
  }

  /** Asks anew if what is known is too old. Returns at once. */
  refresh(now: number): void {
    if (now < this.dueAt || this.asking) return;
    this.asking = true;
    void this.ask();
  }

  private async ask(): Promise<void> {
    await Promise.all(this.hostnames.map((hostname) => this.resolve(hostname)));
    const { refreshMs, clock, random } = this.options;
    this.dueAt = clock.now() + refreshMs * (1 + (random() * 2 - 1) * JITTER);
    this.asking = false;
    this.tell();
  }

  private async resolve(hostname: string): Promise<void> {
    try {
      const addresses = await this.options.resolve(hostname);
      if (addresses.length === 0) throw new Error('no addresses');
      // Resolvers turn the order round at every question.
      this.known.set(hostname, [...new Set(addresses)].sort());
    } catch (error) {
      this.options.onFailure(hostname, error);
    }
  }

  private tell(): void {
    const endpoints = this.options.urls.flatMap((url) => this.endpointsOf(url));
    const text = endpoints.map(({ baseUrl, host }) => `${baseUrl} ${host ?? ''}`).join();
    if (text === this.told) return;
    this.told = text;
    this.options.onChange(endpoints);
  }

  private endpointsOf(url: string): readonly DiscoveredEndpoint[] {
    const { hostname, host } = new URL(url);
    const addresses = this.known.get(hostname);
    if (addresses === undefined) return [{ baseUrl: url, host: undefined }];
    return addresses.map((address) => ({ baseUrl: withHostname(url, address), host }));
  }
}

function withHostname(url: string, address: string): string {
  const moved = new URL(url);
  moved.hostname = isIP(address) === 6 ? `[${address}]` : address;
  return moved.href.replace(/\/+$/, '');
}

function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}
