import { BlockList, isIP, isIPv6 } from 'node:net';
import { type IncomingHeaders } from '../upstream/request-context.js';

/** Whose word is taken for what, as `server` in the configuration has it. */
export interface CallerHintOptions {
  /** IP addresses and CIDR ranges. */
  readonly trustedCallers: readonly string[];
  /** In lower case; null for none. */
  readonly deadlineHeader: string | null;
  /** In lower case; null for none. */
  readonly attemptCountHeader: string | null;
}

/** What a trusted caller says of its own request. */
export interface CallerHints {
  /** How long it waits for the answer, in ms; undefined where it did not say. */
  readonly waitMs: number | undefined;
  /** Whether it has sent the request before. */
  readonly retriedAbove: boolean;
}

/** Where there is no configuration to say otherwise. */
export const TRUST_NOBODY: CallerHintOptions = {
  trustedCallers: [],
  deadlineHeader: null,
  attemptCountHeader: null,
};

const NO_HINTS: CallerHints = { waitMs: undefined, retriedAbove: false };

/**
 * Reads what callers say of their requests, and believes those that may be believed. A request that says nothing
 * costs a look at two headers; the address is looked up only for one that does.
 */
export class CallerHintReader {
  private readonly trusted = new BlockList();
  private readonly deadlineHeader: string | null;
  private readonly attemptCountHeader: string | null;

  constructor({ trustedCallers, deadlineHeader, attemptCountHeader }: CallerHintOptions) {
    for (const range of trustedCallers) this.trust(range);
    this.deadlineHeader = trustedCallers.length === 0 ? null : deadlineHeader;
    this.attemptCountHeader = trustedCallers.length === 0 ? null : attemptCountHeader;
  }

  /** @param address where the connection comes from: a header could name any address. */
  read(headers: IncomingHeaders, address: string | undefined): CallerHints {
    const wait = this.deadlineHeader === null ? undefined : headers[this.deadlineHeader];
    const attempt = this.attemptCountHeader === null ? undefined : headers[this.attemptCountHeader];
    if ((wait ?? attempt) === undefined || !this.trusts(address)) return NO_HINTS;
    return { waitMs: wholeNumber(wait), retriedAbove: (wholeNumber(attempt) ?? 1) > 1 };
  }

  /** Whether what comes from this address is believed. */
  trusts(address = ''): boolean {
    const version = isIP(address);
    if (version === 0) return false;
    // A link-local address may name its interface, which is no part of a range.
    const [plain = ''] = address.split('%');
    return this.trusted.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  }

  private trust(range: string): void {
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) this.trusted.addAddress(address, family);
    else this.trusted.addSubnet(address, Number(bits), family);
  }
}

/** Digits and nothing else, up to nine of them: eleven days in ms, which is as good as for ever. */
function wholeNumber(value: string | readonly string[] | undefined): number | undefined {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}
