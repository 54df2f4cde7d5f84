import { isAxiosError } from 'axios';
import { InvalidBodyError, ResponseTooLargeError } from './wire-errors.js';

/**
 * How a call failed, for those who decide about retries and breakers.
 *
 * - `connect`: provably never sent (refused, DNS, unreachable, connect timeout, broken TLS handshake)
 * - `certificate`: never sent, because the upstream's TLS certificate was not accepted
 * - `reset`: the connection ended after the request was sent and before the answer was whole
 * - `idle-closed`: as `reset`, on a socket that had carried an earlier answer, and before any byte of this one: the
 *   server had most likely closed the idle socket before it saw the request
 * - `timeout`: the answer was not whole within `timeout`
 * - `status`: an answer came, and `validateStatus` refused its status
 * - `too-large`, `invalid`: an answer came, and was too large or not readable
 * - `canceled`: the caller went away, or this service was closed
 * - `unknown`: anything else: a bad request configuration, an error thrown by an interceptor
 */
export type WireFailure =
  | 'connect'
  | 'reset'
  | 'idle-closed'
  | 'timeout'
  | 'too-large'
  | 'invalid'
  | 'certificate'
  | 'status'
  | 'canceled'
  | 'unknown';

/** A failed exchange in axios' words, before it becomes an AxiosError. */
export interface FailedExchange {
  readonly kind: WireFailure;
  readonly code: string;
  readonly message: string;
  readonly cause?: Error | undefined;
  /** Stock axios puts the response on this error, as far as it had come. */
  readonly showsResponse?: true;
}

/** How far an exchange had come when it failed. */
export type Progress = 'unsent' | 'sent' | 'answered';

interface CodedError extends Error {
  readonly code?: unknown;
  readonly errors?: unknown;
}

// What OpenSSL's verification reports through Node (doc/api/tls.md, "X509 certificate error codes").
const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const NEVER_CONNECTED_CODES: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const RESET_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

const failures = new WeakMap<object, WireFailure>();

/** Remembers beside `error`, not in it, how it came about. */
export function markFailure<E extends object>(error: E, kind: WireFailure): E {
  failures.set(error, kind);
  return error;
}

/**
 * How the call behind `error` failed. Errors of `UndiciHttpService` carry the answer; for any other error
 * (an axios adapter of your own, a bare Node error) it is derived from `code`, and a reset is then never
 * taken for `connect`.
 */
export function wireFailureOf(error: unknown): WireFailure {
  if (typeof error !== 'object' || error === null) return 'unknown';
  return failures.get(error) ?? derivedFailure(error);
}

function derivedFailure(error: object): WireFailure {
  const { cause } = error as { cause?: unknown };
  if (cause instanceof ResponseTooLargeError) return 'too-large';
  if (cause instanceof InvalidBodyError) return 'invalid';

  const code = codeOf(error);
  if (code === 'ERR_CANCELED') return 'canceled';
  if (CERTIFICATE_CODES.has(code)) return 'certificate';
  if (NEVER_CONNECTED_CODES.has(code)) return 'connect';
  if (code === 'ETIMEDOUT') return systemCallOf(error) === 'connect' ? 'connect' : 'timeout';
  if (code === 'ECONNABORTED') return 'timeout';
  if (RESET_CODES.has(code)) return 'reset';
  if (code.startsWith('HPE_') || code.startsWith('Z_')) return 'invalid';
  if (code === 'ERR_BAD_REQUEST' || code === 'ERR_BAD_RESPONSE') {
    return isAxiosError(error) && error.response !== undefined ? 'status' : 'unknown';
  }
  return 'unknown';
}

/** Puts what undici or the socket reported into the words stock axios uses for the same event. */
export function failedExchange(error: Error, progress: Progress): FailedExchange {
  const code = codeOf(error);
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return { kind: 'canceled', code, message: error.message, cause: error };
  }
  if (progress === 'unsent') return failedBeforeSending(error, code);
  if (error.name === 'HTTPParserError') return brokenFraming(error, progress);
  switch (code) {
    case 'UND_ERR_HEADERS_OVERFLOW':
      return {
        kind: 'too-large',
        code: 'HPE_HEADER_OVERFLOW',
        message: 'Parse Error: Header overflow',
        cause: error,
      };
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return { kind: 'timeout', code: 'ECONNABORTED', message: error.message, cause: error };
    case 'ETIMEDOUT':
      return { kind: 'timeout', code, message: error.message, cause: error };
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return cutShort(error, progress);
    default:
      return {
        kind: systemCallOf(error) === undefined ? 'unknown' : 'reset',
        code,
        message: error.message,
        cause: error,
      };
  }
}

function failedBeforeSending(error: Error, code: string): FailedExchange {
  if (CERTIFICATE_CODES.has(code)) return { kind: 'certificate', code, message: error.message, cause: error };
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return { kind: 'connect', code: 'ETIMEDOUT', message: error.message, cause: error };
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return { kind: 'unknown', code: 'ERR_BAD_OPTION_VALUE', message: error.message, cause: error };
    default:
      return { kind: 'connect', code, message: messageOf(error), cause: error };
  }
}

function cutShort(cause: Error, progress: Progress): FailedExchange {
  return progress === 'answered'
    ? {
        kind: 'reset',
        code: 'ERR_BAD_RESPONSE',
        message: 'stream has been aborted',
        cause,
        showsResponse: true,
      }
    : { kind: 'reset', code: 'ECONNRESET', message: 'socket hang up', cause };
}

// undici 7 drops the parser's own code, and quotes the raw bytes in `data`: what is left is the reason.
function brokenFraming(error: Error, progress: Progress): FailedExchange {
  const reason = /\((.*)\)$/.exec(error.message)?.[1] ?? 'invalid response';
  if (reason.includes('EOF')) return cutShort(new InvalidBodyError(reason), progress);
  const message = `Parse Error: ${reason}`;
  return { kind: 'invalid', code: 'ERR_BAD_RESPONSE', message, cause: new InvalidBodyError(message) };
}

function codeOf(error: object): string {
  const { code } = error as CodedError;
  return typeof code === 'string' ? code : '';
}

function systemCallOf(error: object): string | undefined {
  const { syscall, cause } = error as { syscall?: unknown; cause?: unknown };
  if (typeof syscall === 'string') return syscall;
  return typeof cause === 'object' && cause !== null ? systemCallOf(cause) : undefined;
}

// Happy eyeballs report one AggregateError with an empty message; axios joins its parts the same way.
function messageOf(error: CodedError): string {
  if (error.message !== '' || !Array.isArray(error.errors)) return error.message;
  return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
}
