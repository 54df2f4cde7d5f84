import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { All, Body, Controller, Get, Param, Post, Put } from '@nestjs/common';
import fc from 'fast-check';
import { of } from 'rxjs';
import { aggregate } from './aggregate.js';
import { required } from './part.js';
import { type Answer, TestGateway } from './testing/test-gateway.js';

let gateway: TestGateway;

@Controller()
class TestController {
  @Get('things/:id')
  thing(@Param('id') id: string): unknown {
    return aggregate({ id: required(of(id)) });
  }

  @Get('things/:id/parts/:part')
  part(@Param('id') id: string, @Param('part') part: string): unknown {
    return aggregate({ id: required(of(id)), part: required(of(part)) });
  }

  @Put('things/:id')
  replace(@Param('id') id: string, @Body() body: unknown): unknown {
    return { id, body };
  }

  @All('anything')
  anything(): unknown {
    return {};
  }

  @Post('things')
  add(@Body() body: unknown): unknown {
    return { body };
  }
}

beforeAll(async () => {
  gateway = await TestGateway.start({ controllers: [TestController] });
});

afterAll(() => gateway.stop());

afterEach(() => {
  expect(gateway.log.errors.splice(0)).toEqual([]);
  expect(gateway.log.warnings).toEqual([]);
});

/** Every error looks like this, whoever found it. */
function expectProblem(answer: Answer, status: number, detail: unknown = expect.any(String)): void {
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': expect.stringMatching(/^[A-Za-z0-9._~-]{1,128}$/) as string,
  });
  expect(answer.headers).not.toHaveProperty('composite-complete');
  expect(JSON.parse(answer.text)).toEqual({
    type: 'about:blank',
    title: expect.stringMatching(/^[A-Z][A-Za-z -]+$/) as string,
    status,
    ...(detail === null ? {} : { detail }),
    requestId: answer.headers['x-request-id'],
  });
}

const json = (body: string) => ({ body, headers: { 'content-type': 'application/json' } });

describe('a path', () => {
  it('that leads nowhere is a 404', async () => {
    for (const path of [
      '/nothing',
      '/things/1/nothing',
      '/things/1/parts/',
      '/',
      '/?x=1',
      '//',
      '/things/1/parts/2/3',
    ]) {
      expectProblem(await gateway.ask(path), 404, 'There is nothing at this path.');
    }
  });

  it('that takes another verb is a 405, which says which', async () => {
    const cases = [
      ['POST', '/things/1', 'GET, HEAD, PUT'],
      ['DELETE', '/things/1?x=1', 'GET, HEAD, PUT'],
      ['PATCH', '/things/1/', 'GET, HEAD, PUT'],
      ['GET', '/things', 'POST'],
      ['OPTIONS', '/things', 'POST'],
      ['OPTIONS', '/things/1', 'GET, HEAD, PUT'],
      ['TRACE', '/things', 'POST'],
      ['PROPFIND', '/things', 'POST'],
    ] as const;
    for (const [method, path, allow] of cases) {
      const answer = await gateway.ask(path, { method });
      expectProblem(answer, 405, `This path does not take ${method}.`);
      expect(answer.headers['allow']).toBe(allow);
    }
  });

  it('that takes any verb takes any verb', async () => {
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PROPFIND', 'TRACE']) {
      expect(await gateway.ask('/anything', { method })).toMatchObject({ text: '{}' });
    }
  });

  it('answers HEAD as it answers GET, without the body', async () => {
    expect(await gateway.ask('/things/1', { method: 'HEAD' })).toMatchObject({
      status: 200,
      text: '',
      headers: { 'composite-complete': '?1', 'content-length': '10' },
    });
    const missing = await gateway.ask('/nothing', { method: 'HEAD' });
    expect(missing).toMatchObject({
      status: 404,
      text: '',
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    });
    const wrong = await gateway.ask('/things', { method: 'HEAD' });
    expect(wrong).toMatchObject({ status: 405, text: '', headers: { allow: 'POST' } });
  });

  it('with a segment that is empty is a 404, not a verb that is not taken', async () => {
    expectProblem(await gateway.ask('/things//parts/2'), 404, 'There is nothing at this path.');
  });

  it('is the same with a slash at its end', async () => {
    expect(await gateway.ask('/things/1/')).toMatchObject({ status: 200, text: '{"id":"1"}' });
  });

  it('whose encoding cannot be read is a 400', async () => {
    for (const path of ['/things/%', '/things/%zz', '/things/%c3%28', '/%', '/nothing/%e0%a4%a']) {
      expectProblem(await gateway.ask(path), 400, 'The path cannot be read.');
    }
  });

  it('may have a segment of 256 characters, and no longer', async () => {
    const [longest, tooLong] = ['x'.repeat(256), 'x'.repeat(257)];
    expect(await gateway.ask(`/things/${longest}`)).toMatchObject({ status: 200 });
    expectProblem(await gateway.ask(`/things/${tooLong}`), 414, 'A segment of the path is too long.');
    expectProblem(await gateway.ask(`/things/1/parts/${tooLong}`), 414, 'A segment of the path is too long.');
    expectProblem(await gateway.ask(`/things/${tooLong}`, { method: 'POST' }), 405);
  });

  it('that is over-long is a 4xx', async () => {
    expectProblem(await gateway.ask(`/${'x'.repeat(8000)}`), 404);
    expectProblem(await gateway.ask(`/${'x/'.repeat(4000)}`), 404);
    expectProblem(await gateway.send(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), 431);
  });

  it('may be any text at all, and is never a 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 12 }).map(encoded), async (path) => {
        const { status } = await gateway.ask(`/things/${path}`);
        expect(status === 200 || (status >= 400 && status < 500)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a body', () => {
  it('that is no JSON is a 400', async () => {
    for (const body of ['{', '{"a":}', 'text', '{"a":1}}', '\u0000']) {
      expectProblem(await gateway.ask('/things', { method: 'POST', ...json(body) }), 400);
    }
  });

  it('that tampers with prototypes is a 400', async () => {
    for (const body of ['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}']) {
      expectProblem(await gateway.ask('/things', { method: 'POST', ...json(body) }), 400);
    }
  });

  it('that is empty where JSON is announced is a 400', async () => {
    expectProblem(await gateway.ask('/things', { method: 'POST', ...json('') }), 400);
  });

  it('that is larger than a megabyte is a 413, whether it says so or not', async () => {
    const large = JSON.stringify('x'.repeat(1024 * 1024));
    expectProblem(await gateway.ask('/things', { method: 'POST', ...json(large) }), 413);
    const chunked = {
      method: 'POST',
      body: (function* () {
        for (let index = 0; index < 17; index++) yield Buffer.alloc(64 * 1024, ' ');
      })(),
      headers: { 'content-type': 'application/json' },
    };
    expectProblem(await gateway.ask('/things', chunked as never), 413);
  });

  it('of a type nobody reads is a 415', async () => {
    for (const type of ['text/xml', 'application/octet-stream', 'nonsense']) {
      const answer = await gateway.ask('/things', {
        method: 'POST',
        body: '<a/>',
        headers: { 'content-type': type },
      });
      expectProblem(answer, 415, null);
    }
  });

  it('that breaks off is no error of ours', async () => {
    const socket = await gateway.connect();
    const read = once(gateway.app.getHttpServer(), 'request') as Promise<[IncomingMessage]>;
    const head =
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n';
    socket.write(`${head}{"a"`);
    const [request] = await read;
    const closed = once(request, 'close').catch(() => undefined);
    socket.destroy();
    await closed;
    // It has been answered, if in vain, when the exchange that follows is over; nothing was logged.
    expect(await gateway.ask('/things/1')).toMatchObject({ status: 200 });
  });

  it('is taken as it is where it is fine', async () => {
    expect(await gateway.ask('/things', { method: 'POST', ...json('{"a":[1]}') })).toMatchObject({
      status: 201,
      text: '{"body":{"a":[1]}}',
    });
  });
});

describe('what is no proper HTTP', () => {
  it.each([
    ['garbage', 'this is not HTTP\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['an unknown verb', 'FETCH /things/1 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an unknown version', 'GET /things/1 HTTP/9.9\r\nHost: x\r\n\r\n'],
    [
      'two different lengths',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}',
    ],
    [
      'two equal lengths',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}',
    ],
    [
      'a length and chunks',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a length that is none', 'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}'],
    [
      'a chunk that is none',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ],
    ['a field without a name', 'GET /things/1 HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n'],
    ['a field over two lines', 'GET /things/1 HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n'],
    ['a null in a field', 'GET /things/1 HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n'],
  ])('is a 400: %s', async (_, bytes) => {
    expectProblem(await gateway.send(bytes), 400, 'The request is not well-formed HTTP.');
  });

  it('is a 431 where the fields are too large', async () => {
    expectProblem(
      await gateway.send(`GET /things/1 HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`),
      431,
      'The header fields are too large.',
    );
  });

  it('is a 413 where the extensions of a chunk are too large', async () => {
    const head =
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    expectProblem(
      await gateway.send(`${head}2;${'a'.repeat(17_000)}\r\n{}\r\n0\r\n\r\n`),
      413,
      'The extensions of a chunk are too large.',
    );
  });

  it('is a 400 without a host', async () => {
    const { status } = await gateway.send('GET /things/1 HTTP/1.1\r\n\r\n');
    expect(status).toBe(400);
  });

  it('does not keep the connection of a client that never hangs up', async () => {
    const accepted = once(gateway.app.getHttpServer(), 'connection') as Promise<[Socket]>;
    const client = await gateway.connect({ allowHalfOpen: true });
    const [server] = await accepted;
    const closed = once(server, 'close');
    client.resume().write('garbage\r\n\r\n');
    await once(client, 'end');
    // It could still write, and does not say that it is done.
    expect(client.writable).toBe(true);
    await closed;
    client.destroy();
  });
});

describe('X-Request-Id', () => {
  const idOf = async (id: string | string[], path = '/things/1'): Promise<string | undefined> =>
    (await gateway.ask(path, { headers: { 'x-request-id': id } })).headers['x-request-id'];

  it('is that of the client where it is a plain one', async () => {
    for (const id of ['a', '0', 'abc-DEF_1.2~3', '3f2b8c1e-0000-4000-8000-000000000000', 'x'.repeat(128)]) {
      expect(await idOf(id)).toBe(id);
      expect(await idOf(id, '/nothing')).toBe(id);
      expect(await idOf(id, '/%')).toBe(id);
    }
  });

  it('is a new one where that of the client is not', async () => {
    for (const id of [
      '',
      ' ',
      'a b',
      'a,b',
      'x'.repeat(129),
      'ü',
      '"a"',
      '<script>',
      ['a', 'b'],
      ['a', 'a'],
    ]) {
      expect(await idOf(id)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
  });

  it('is never the same twice where the client has none', async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await gateway.ask('/things/1')).headers['x-request-id']),
    );
    expect(new Set(ids).size).toBe(20);
  });
});

describe('Prefer', () => {
  it('may be any nonsense, and is neither a 5xx nor echoed', async () => {
    const pieces = fc.constantFrom(
      'handling',
      'wait',
      'report',
      'strict',
      'body',
      'x',
      '=',
      '"',
      '\\',
      ',',
      ';',
      ' ',
      '0',
      '99',
      '-1',
      'é',
      '\t',
    );
    const field = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
      // What a field may hold at all: anything else is refused by the parser.
      fc.string({
        unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
        maxLength: 60,
      }),
    );
    await fc.assert(
      fc.asyncProperty(field, async (prefer) => {
        const { status, headers } = await gateway.ask('/things/1', { headers: { prefer } });
        expect(status).toBe(200);
        expect(headers['preference-applied'] ?? 'report=body').toMatch(
          /^(?:(?:handling=(?:strict|lenient)|wait=[1-9]\d{0,8}|report=body)(?:, |$)){1,3}$/,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('may come in several fields', async () => {
    const { headers } = await gateway.ask('/things/1', {
      headers: { prefer: ['handling=strict', 'wait=5'] },
    });
    expect(headers['preference-applied']).toBe('handling=strict, wait=5');
  });

  it('may hold as many items as fit into a field', async () => {
    const prefer = `${'a=1,'.repeat(3900)}wait=5`;
    expect((await gateway.ask('/things/1', { headers: { prefer } })).headers['preference-applied']).toBe(
      'wait=5',
    );
  });
});

/** Keeps what a client may write into a path, and encodes the rest in ways that can and cannot be read. */
function encoded(text: string): string {
  return text.replace(/[^!-~]|#/gu, (character) => `%${(character.codePointAt(0) ?? 0).toString(16)}`);
}
