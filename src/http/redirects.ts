import { Readable } from 'node:stream';
import { type FailedExchange } from './wire-failure.js';
import { type WireRequest } from './wire-request.js';

/** The redirects followed when `maxRedirects` is not set: what stock axios follows. */
export const DEFAULT_MAX_REDIRECTS = 21;

const CREDENTIALS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie'];

/** More redirects than `maxRedirects`. */
export const TOO_MANY_REDIRECTS: FailedExchange = {
  kind: 'invalid',
  code: 'ERR_FR_TOO_MANY_REDIRECTS',
  message: 'Maximum number of redirects exceeded',
};

/** Whether stock axios (follow-redirects) would go on from this response. */
export function isRedirect(status: number, location: unknown): location is string {
  return status >= 300 && status < 400 && typeof location === 'string' && location !== '';
}

/**
 * The request a redirect asks for (RFC 9110 15.4): POST becomes GET on 301 and 302, everything but GET and
 * HEAD on 303, without its body; another origin never sees credentials. Returns a failure if the location
 * is unusable, or if a body would have to be sent again that was a stream.
 */
export function nextHop(
  request: WireRequest,
  status: number,
  location: string,
): WireRequest | FailedExchange {
  const from = request.origin + request.path;
  if (!URL.canParse(location, from)) return redirectionFailure('Invalid URL');
  const { protocol, origin, pathname, search } = new URL(location, from);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return redirectionFailure(`Unsupported protocol ${protocol}`);
  }

  const dropsBody =
    ((status === 301 || status === 302) && request.method === 'POST') ||
    (status === 303 && request.method !== 'GET' && request.method !== 'HEAD');
  if (!dropsBody && request.body instanceof Readable) {
    return redirectionFailure('a streamed request body cannot be sent again');
  }

  const crossesOrigin = origin !== request.origin;
  const headers = withoutHeaders(
    request.headers,
    (name) =>
      name === 'host' ||
      (dropsBody && name.startsWith('content-')) ||
      (crossesOrigin && (CREDENTIALS.includes(name) || request.sensitiveHeaders.includes(name))),
  );
  return {
    ...request,
    origin,
    path: pathname + search,
    headers,
    method: dropsBody ? 'GET' : request.method,
    body: dropsBody ? null : request.body,
  };
}

function redirectionFailure(reason: string): FailedExchange {
  return {
    kind: 'invalid',
    code: 'ERR_FR_REDIRECTION_FAILURE',
    message: `Redirected request failed: ${reason}`,
  };
}

function withoutHeaders(flat: readonly string[], drop: (lowerCaseName: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i];
    const value = flat[i + 1];
    if (name !== undefined && value !== undefined && !drop(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}
