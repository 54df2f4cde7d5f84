import { randomUUID } from 'node:crypto';
import { type IncomingMessage } from 'node:http';
import { type Duplex } from 'node:stream';
import {
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { plainProblem } from './problem.js';
import { PATH_TOO_LONG, sendProblem } from './problem.filter.js';

/** An id from outside is taken over only if it could not be mistaken for anything else in a log or a header. */
const REQUEST_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** When two paths are one, for the server and for tables of routes beside it. */
export const ROUTER_OPTIONS = {
  // One segment of a path; the default of 100 answers 404 to a long id.
  maxParamLength: 256,
  ignoreTrailingSlash: true,
} as const;

/**
 * Options for `new FastifyAdapter(...)`: request ids, bounds on what a client may send, and problem documents for
 * what the server refuses before a route is found. They can only be given when the server is made.
 */
export function gatewayServerOptions(): FastifyServerOptions {
  return {
    genReqId,
    routerOptions: { ...ROUTER_OPTIONS },
    bodyLimit: 1024 * 1024,
    // Time for a client to send its request, in ms: one that drips it must not keep a socket forever.
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    // Readiness says 503 while shutting down; requests that still arrive are answered.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerBrokenRequest,
  };
}

/** `X-Request-Id` of the client where it is a plain one, otherwise a new one. */
function genReqId(request: Pick<IncomingMessage, 'headers'>): string {
  const offered = request.headers['x-request-id'];
  return typeof offered === 'string' && REQUEST_ID.test(offered) ? offered : randomUUID();
}

/** What the router refuses: an encoding that cannot be read (400), a segment that is too long (414). */
function answerFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 400;
  const detail = status === 414 ? PATH_TOO_LONG : 'The path cannot be read.';
  sendProblem(reply, plainProblem(status, detail, request.id));
}

/** What Node's parser refuses never becomes a request: the answer is written to the bare socket. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = BROKEN_REQUESTS[error.code ?? ''] ?? [400, 'The request is not well-formed HTTP.'];
  const document = plainProblem(status, detail, randomUUID());
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${document.title}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `X-Request-Id: ${document.requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => {
    // A client that never hangs up would keep a half-open socket for good.
    socket.destroy();
  });
}

const BROKEN_REQUESTS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The header fields are too large.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The extensions of a chunk are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.'],
};
