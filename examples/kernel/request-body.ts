import { type IncomingMessage } from 'node:http';
import { Refusal } from './refusal.js';

const MOST_BYTES = 256 * 1024;

/**
 * Reads a request's JSON body whatever its content-type says, since `curl -d` says it is a form.
 * @throws {Refusal} 400 when it is not JSON, 413 over 256 KiB.
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Left alone, leaving this loop early would destroy the socket, and with it the 413.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MOST_BYTES) throw new Refusal(413, `A body may have at most ${MOST_BYTES} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    throw new Refusal(400, 'The body is not valid JSON.');
  }
}

/** Whether a parsed body is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
