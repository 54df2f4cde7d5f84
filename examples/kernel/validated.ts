import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { type Answer } from './route.js';

/**
 * An answer that may be kept, but must be asked about each time: prices change, as a rule they do not. Whoever has it
 * already, and says so by `If-None-Match`, gets a 304 without the body.
 */
export function validated(answer: Answer, { 'if-none-match': known }: IncomingHttpHeaders): Answer {
  const etag = `"${createHash('sha1').update(JSON.stringify(answer.body)).digest('base64url')}"`;
  const headers = { ...answer.headers, 'cache-control': 'no-cache', etag };
  return known === etag ? { status: 304, body: null, headers } : { ...answer, headers };
}
