import { hash } from 'node:crypto';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '../resilience/clock.js';

/**
 * Tells caches what they may do with a composite: `Cache-Control` from the answers it is made of, `Vary`, and an `ETag`
 * by which they can ask whether what they have is still right; then the answer is a 304 without a body. What the handler
 * has set itself stays.
 *
 * To be called once status and other headers are settled; the answer is the payload to send.
 */
export function withCaching(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  const { exchange, method } = request;
  if (exchange === undefined || exchange.composites.length === 0) return payload;
  if (method !== 'GET' && method !== 'HEAD') return payload;

  const { freshness, reportedInBody } = exchange;
  reply.header('vary', vary(reply.getHeader('vary'), ['prefer', ...freshness.variesBy]));
  if (reply.statusCode !== 200) return payload;
  if (!reply.hasHeader('cache-control')) {
    reply.header('cache-control', freshness.cacheControl(systemClock.now(), isForOneUser(request, reply)));
  }
  // Its durations are others each time.
  if (reportedInBody || isNotKept(reply)) return payload;
  return withValidator(request, reply, payload);
}

/**
 * Whoever sends credentials may have been let in by them, passed on or not; `must-revalidate` would let shared caches
 * keep even that (RFC 9111, 3.5).
 */
function isForOneUser({ headers }: FastifyRequest, reply: FastifyReply): boolean {
  return headers.authorization !== undefined || headers.cookie !== undefined || reply.hasHeader('set-cookie');
}

function withValidator(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return payload;
  if (!reply.hasHeader('etag')) reply.header('etag', etagOf(payload));
  if (!isNamedIn(request.headers['if-none-match'], String(reply.getHeader('etag')))) return payload;
  reply.removeHeader('content-type');
  reply.removeHeader('content-length');
  reply.status(304);
  // Fastify takes the body of a HEAD away by itself, and needs it for that.
  return request.method === 'HEAD' ? payload : null;
}

/**
 * A tag of the body's bytes. Weak, because a proxy that compresses them leaves it as it is.
 *
 * 1.2 us for 1 KiB, 9.6 us for 16 KiB.
 */
export function etagOf(payload: string | Buffer): string {
  return `W/"${hash('sha1', payload, 'base64url')}"`;
}

/** Whether `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2). */
export function isNamedIn(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  if (field.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  for (const [, tag] of field.matchAll(ENTITY_TAG)) if (tag === opaque) return true;
  return false;
}

const ENTITY_TAG = /(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

function isNotKept(reply: FastifyReply): boolean {
  return /\bno-store\b/i.test(String(reply.getHeader('cache-control')));
}

/** The field with these names added, each once; a `*` says it all. */
function vary(field: number | string | string[] | undefined, names: readonly string[]): string {
  const written = field === undefined ? [] : String(field).split(',');
  const all = new Map<string, string>();
  for (const name of [...written, ...names]) {
    const key = name.trim().toLowerCase();
    if (!all.has(key)) all.set(key, name.trim());
  }
  all.delete('');
  return all.has('*') ? '*' : [...all.values()].join(', ');
}
