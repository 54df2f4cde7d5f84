import { PassThrough } from 'node:stream';
import { gatewayServerOptions } from './server-options.js';

function answerTo(code: string): { written: string; destroyed: boolean } {
  const socket = new PassThrough();
  const error = Object.assign(new Error('secret'), { code });
  gatewayServerOptions().clientErrorHandler?.call(undefined as never, error as never, socket as never);
  return { written: String(socket.read() ?? ''), destroyed: socket.destroyed };
}

// What sockets really bring is in http-contract.spec.ts; this is what takes minutes, or a client that is gone.
describe('what the server does with a broken request', () => {
  it('answers 408 to one that takes too long to arrive', () => {
    const [head = '', body = ''] = answerTo('ERR_HTTP_REQUEST_TIMEOUT').written.split('\r\n\r\n');
    expect(head.split('\r\n')[0]).toBe('HTTP/1.1 408 Request Timeout');
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}\r\n`);
    expect(JSON.parse(body)).toMatchObject({ status: 408, detail: 'The request did not arrive in time.' });
  });

  it('says nothing to a client that is gone', () => {
    expect(answerTo('ECONNRESET')).toEqual({ written: '', destroyed: true });
  });

  it('tells nothing of what the parser said', () => {
    expect(answerTo('HPE_INVALID_METHOD').written).not.toContain('secret');
  });
});

describe('the limits of the server', () => {
  it('are these', () => {
    expect(gatewayServerOptions()).toMatchObject({
      bodyLimit: 1_048_576,
      requestTimeout: 30_000,
      keepAliveTimeout: 72_000,
      return503OnClosing: false,
      forceCloseConnections: 'idle',
      routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
    });
  });
});
