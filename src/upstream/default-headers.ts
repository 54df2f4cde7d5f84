import { hash } from 'node:crypto';
import { type AxiosInstance } from 'axios';
import { isCredential } from './credentials.js';

type Fields = Readonly<Record<string, unknown>>;

/** Stands between two buckets: no header is named so. */
const BOUNDARY = '';

/**
 * The headers that an axios instance adds to each GET and HEAD, as a part of a key. People change them in place while
 * the service runs, so each call compares them with those it knows; only a change has them written down anew.
 */
export class DefaultHeaders {
  private known: readonly unknown[] = [];
  private knownDigest: string | undefined;

  constructor(private readonly axios: AxiosInstance) {}

  /** The same for the same headers; undefined where there are credentials, or values that cannot be compared. */
  get digest(): string | undefined {
    const buckets = this.buckets();
    if (!isSame(buckets, this.known)) {
      this.known = listOf(buckets);
      this.knownDigest = digestOf(buckets);
    }
    return this.knownDigest;
  }

  private buckets(): readonly (Fields | undefined)[] {
    const { headers } = this.axios.defaults;
    return [headers, headers.common, headers.get, headers.head] as (Fields | undefined)[];
  }
}

function listOf(buckets: readonly (Fields | undefined)[]): unknown[] {
  const list: unknown[] = [];
  for (const bucket of buckets) {
    for (const name in bucket) list.push(name, bucket[name]);
    list.push(BOUNDARY);
  }
  return list;
}

/** Whether `listOf` would make that list of them. */
function isSame(buckets: readonly (Fields | undefined)[], list: readonly unknown[]): boolean {
  let at = 0;
  for (const bucket of buckets) {
    for (const name in bucket) if (list[at++] !== name || list[at++] !== bucket[name]) return false;
    if (list[at++] !== BOUNDARY) return false;
  }
  return at === list.length;
}

function digestOf(buckets: readonly (Fields | undefined)[]): string | undefined {
  const [beside] = buckets;
  const parts: unknown[] = [];
  for (const bucket of buckets) {
    for (const name in bucket) {
      const value = bucket[name];
      // The buckets themselves, one for each verb, stand beside the headers for all.
      if (bucket === beside && isBucket(value)) continue;
      if (isCredential(name) || !isPlain(value)) return undefined;
      parts.push(name.toLowerCase(), value ?? null);
    }
    parts.push(BOUNDARY);
  }
  return hash('sha256', JSON.stringify(parts), 'base64url');
}

function isBucket(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlain(value: unknown): boolean {
  return value === undefined || value === null || (typeof value !== 'object' && typeof value !== 'function');
}
