import { isIP } from 'node:net';
import { z } from 'zod';

const EXPECTED = 'an IP address or a CIDR range, such as 10.0.0.0/8 or fd00::/8';

/** Addresses from a first to a last one: an IP address, or one and the number of leading bits that count. */
export const addressRange = z.string({ error: EXPECTED }).refine(isRange, { error: EXPECTED });

function isRange(written: string): boolean {
  const [, address = '', bits] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(written) ?? [];
  const version = isIP(address);
  return version !== 0 && (bits === undefined || Number(bits) <= (version === 4 ? 32 : 128));
}
