import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TestGateway } from '../aggregation/testing/test-gateway.js';
import { ConsoleHeaders } from './console-headers.js';
import { ConsolePage } from './console-page.js';
import { ConsolePageController } from './console-page.controller.js';

let folder: string;
let gateway: TestGateway;
let app: NestFastifyApplication;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'console-page-'));
  gateway = await TestGateway.start({
    controllers: [ConsolePageController],
    providers: [ConsoleHeaders, { provide: ConsolePage, useValue: new ConsolePage(folder) }],
  });
  ({ app } = gateway);
});

afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

function build(): void {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>');
  writeFileSync(join(folder, 'console.js'), 'start();');
  writeFileSync(join(folder, 'console.css'), 'p { margin: 0 }');
  writeFileSync(join(folder, 'notes.txt'), 'not for anybody');
}

function get(url: string, headers: Record<string, string> = {}) {
  return app.inject({ method: 'GET', url, headers });
}

describe('the page of the console', () => {
  it('is the files of the build, with their types, to be asked for anew', async () => {
    build();
    const files = await Promise.all(
      ['/console/', '/console/console.js', '/console/console.css'].map((url) => get(url)),
    );
    expect(
      files.map(({ headers, body }) => [headers['content-type'], headers['cache-control'], body]),
    ).toEqual([
      ['text/html; charset=utf-8', 'no-cache', '<!doctype html>'],
      ['text/javascript; charset=utf-8', 'no-cache', 'start();'],
      ['text/css; charset=utf-8', 'no-cache', 'p { margin: 0 }'],
    ]);
  });

  it('finds its files beside it, behind whatever prefix: it is moved to where it has a slash', async () => {
    build();
    const { statusCode, headers } = await get('/console?x=1');
    expect([statusCode, headers.location]).toEqual([308, 'console/']);
  });

  it('is not sent to whoever has it', async () => {
    build();
    const { headers } = await get('/console/console.js');
    const etag = String(headers.etag);
    for (const known of [etag, `"other", W/${etag}`, '*']) {
      const { statusCode, body } = await get('/console/console.js', { 'if-none-match': known });
      expect([statusCode, body]).toEqual([304, '']);
    }
    expect((await get('/console/console.js', { 'if-none-match': '"other"' })).statusCode).toBe(200);
  });

  it.each([
    ['gzip, br', 'br', brotliDecompressSync],
    ['gzip, br;q=0', 'gzip', gunzipSync],
    ['identity', undefined, (body: Buffer) => body],
  ])('is compressed as the client takes it: %s', async (accepted, encoding, decompressed) => {
    build();
    const { headers, rawPayload } = await get('/console/console.js', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toBe('accept-encoding');
    expect(decompressed(rawPayload).toString()).toBe('start();');
  });

  it('has an ETag for each encoding', async () => {
    build();
    const encodings = ['br', 'gzip', 'identity'];
    const etags = await Promise.all(
      encodings.map(async (each) => (await get('/console/', { 'accept-encoding': each })).headers.etag),
    );
    expect(new Set(etags).size).toBe(3);
  });

  it('serves nothing but the files of the page', async () => {
    build();
    for (const url of [
      '/console/notes.txt',
      '/console/..%2fpackage.json',
      '/console/none.js',
      '/console/a/b',
    ]) {
      const { statusCode, headers } = await get(url);
      expect([url, statusCode, headers['content-type']]).toEqual([
        url,
        404,
        'application/problem+json; charset=utf-8',
      ]);
    }
  });

  it('says how to make it where it has not been built, and is there once it has', async () => {
    const { statusCode, body } = await get('/console/');
    expect(statusCode).toBe(404);
    expect(JSON.parse(body)).toMatchObject({
      detail: 'The page of the console has not been built: `npm run build` makes it.',
    });
    build();
    expect((await get('/console/')).statusCode).toBe(200);
  });

  it.each(['/console/', '/console', '/console/none.js', '/console/none/at/all'])(
    'lets a browser do with %s no more than is meant',
    async (url) => {
      build();
      const { headers } = await get(url);
      expect(headers).toMatchObject({
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
          "require-trusted-types-for 'script'; trusted-types 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    },
  );
});
