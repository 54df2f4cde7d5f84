import { type ServerResponse } from 'node:http';

/** An answer down to its bytes. */
export interface Payload {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** A JSON answer with its length. 204, 205 and 304 have no body. */
export function jsonPayload(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Payload {
  if (status === 204 || status === 205 || status === 304) return { status, headers, bytes: Buffer.alloc(0) };
  const bytes = Buffer.from(JSON.stringify(body));
  const type = 'application/json; charset=utf-8';
  return {
    status,
    headers: { 'content-type': type, 'content-length': String(bytes.length), ...headers },
    bytes,
  };
}

/** Sends an answer whole, if there is still somebody to send it to. Node leaves the body out for HEAD. */
export function send(response: ServerResponse, { status, headers, bytes }: Payload): void {
  if (!response.closed) response.writeHead(status, headers).end(bytes);
}
