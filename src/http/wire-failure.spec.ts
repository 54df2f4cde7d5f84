import { AxiosError } from 'axios';
import { errors } from 'undici';
import { InvalidBodyError, ResponseTooLargeError } from './wire-errors.js';
import { failedExchange, type Progress, type WireFailure, wireFailureOf } from './wire-failure.js';

const system = (code: string, syscall?: string): Error => Object.assign(new Error(code), { code, syscall });

describe('what undici reports', () => {
  const reports: [error: Error, progress: Progress, kind: WireFailure, code: string][] = [
    [system('ECONNREFUSED', 'connect'), 'unsent', 'connect', 'ECONNREFUSED'],
    [system('ENOTFOUND', 'getaddrinfo'), 'unsent', 'connect', 'ENOTFOUND'],
    [system('EAI_AGAIN', 'getaddrinfo'), 'unsent', 'connect', 'EAI_AGAIN'],
    [system('ECONNRESET', 'read'), 'unsent', 'connect', 'ECONNRESET'],
    [system('EPROTO', 'write'), 'unsent', 'connect', 'EPROTO'],
    [new errors.ConnectTimeoutError('slow'), 'unsent', 'connect', 'ETIMEDOUT'],
    [system('CERT_HAS_EXPIRED'), 'unsent', 'certificate', 'CERT_HAS_EXPIRED'],
    [system('ERR_TLS_CERT_ALTNAME_INVALID'), 'unsent', 'certificate', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [new errors.InvalidArgumentError('invalid x header'), 'unsent', 'unknown', 'ERR_BAD_OPTION_VALUE'],
    [new errors.ClientDestroyedError(), 'unsent', 'canceled', 'UND_ERR_DESTROYED'],
    [new errors.ClientDestroyedError(), 'sent', 'canceled', 'UND_ERR_DESTROYED'],
    [new errors.ClientClosedError(), 'unsent', 'canceled', 'UND_ERR_CLOSED'],
    [new errors.SocketError('other side closed'), 'sent', 'reset', 'ECONNRESET'],
    [new errors.SocketError('other side closed'), 'answered', 'reset', 'ERR_BAD_RESPONSE'],
    [new errors.ResponseContentLengthMismatchError(), 'answered', 'reset', 'ERR_BAD_RESPONSE'],
    [system('ECONNRESET', 'read'), 'sent', 'reset', 'ECONNRESET'],
    [system('EPIPE', 'write'), 'sent', 'reset', 'EPIPE'],
    [system('ETIMEDOUT', 'read'), 'sent', 'timeout', 'ETIMEDOUT'],
    [new errors.HeadersTimeoutError(), 'sent', 'timeout', 'ECONNABORTED'],
    [new errors.BodyTimeoutError(), 'answered', 'timeout', 'ECONNABORTED'],
    [new errors.HeadersOverflowError(), 'sent', 'too-large', 'HPE_HEADER_OVERFLOW'],
    [
      new errors.HTTPParserError('Response does not match the HTTP/1.1 protocol (Expected HTTP/)'),
      'sent',
      'invalid',
      'ERR_BAD_RESPONSE',
    ],
    [
      new errors.HTTPParserError('Response does not match the HTTP/1.1 protocol (Invalid EOF state)'),
      'answered',
      'reset',
      'ERR_BAD_RESPONSE',
    ],
    [new Error('a bug'), 'sent', 'unknown', ''],
  ];

  it.each(reports)('%s, %s, is %s with code %s', (error, progress, kind, code) => {
    expect(failedExchange(error, progress)).toMatchObject({ kind, code });
  });
});

describe('an error that did not come from here', () => {
  const caused = (cause: Error): AxiosError =>
    Object.assign(new AxiosError('x', 'ERR_BAD_RESPONSE'), { cause });
  const others: [error: unknown, kind: WireFailure][] = [
    [system('ECONNREFUSED', 'connect'), 'connect'],
    [system('ECONNRESET', 'read'), 'reset'],
    [system('ETIMEDOUT', 'connect'), 'connect'],
    [system('ETIMEDOUT', 'read'), 'timeout'],
    [system('DEPTH_ZERO_SELF_SIGNED_CERT'), 'certificate'],
    [new AxiosError('x', 'ECONNABORTED'), 'timeout'],
    [new AxiosError('x', 'ERR_CANCELED'), 'canceled'],
    [new AxiosError('x', 'ERR_BAD_REQUEST', undefined, undefined, { status: 404 } as never), 'status'],
    [new AxiosError('x', 'ERR_BAD_REQUEST'), 'unknown'],
    [caused(new ResponseTooLargeError('maxWireBytes', 5)), 'too-large'],
    [caused(new InvalidBodyError('x')), 'invalid'],
    [new Error('x'), 'unknown'],
    ['text', 'unknown'],
    [null, 'unknown'],
  ];

  it.each(others)('%s is %s', (error, kind) => {
    expect(wireFailureOf(error)).toBe(kind);
  });
});
