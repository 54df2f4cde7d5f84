import { type TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { serveComposites } from './testing/serve-composites.js';

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const json = { 'content-type': 'application/json' };

let shop: RecordingServer;
let gateway: TestGateway;
let answer: string;

beforeEach(async () => {
  answer = '{}';
  shop = await recordingServer((_request, response) => {
    response.writeHead(200, { ...json, 'cache-control': 'max-age=60' }).end(answer);
  });
  const upstream = { url: shop.origin, retry: { maxAttempts: 1 } };
  gateway = await serveComposites({
    upstreams: {
      shop: upstream,
      shared: { ...upstream, coalesce: { enabled: true } },
      keeping: { ...upstream, cache: { enabled: true } },
    },
    composites: {
      whole: { get: '/whole/{n}', parts: { it: { upstream: 'shop', get: '/it/{n}' } } },
      cut: { get: '/cut/{n}', parts: { it: { upstream: 'shop', get: '/it/{n}', omit: ['a.b'] } } },
      shared: { get: '/shared/{n}', parts: { it: { upstream: 'shared', get: '/it/{n}' } } },
      keeping: { get: '/keeping/{n}', parts: { it: { upstream: 'keeping', get: '/it/{n}' } } },
      write: {
        post: '/write',
        forward: { body: true },
        parts: { it: { upstream: 'shop', post: '/it', required: true } },
      },
    },
  });
});

afterEach(async () => {
  await gateway.stop();
  await shop.close();
});

describe('an answer that is nested too deep', () => {
  it.each(['/whole', '/cut', '/shared', '/keeping'])('costs its part only: %s', async (path) => {
    answer = `{"a":${deep(30_000)}}`;
    const { status, text, headers } = await gateway.ask(`${path}/1`);
    expect([status, text]).toEqual([200, '{"it":null}']);
    expect(headers['composite-parts']).toMatch(/^it;state=fallback;reason=invalid;/);
    answer = `{"a":${deep(511)}}`;
    expect((await gateway.ask(`${path}/2`)).text).toBe(`{"it":${answer}}`);
  });
});

describe('a body that is nested too deep', () => {
  const send = async (body: string): Promise<[status: number, text: string]> => {
    const { status, text } = await gateway.ask('/write', { method: 'POST', headers: json, body });
    return [status, text];
  };

  it('is refused, and nothing is written', async () => {
    for (const levels of [513, 400_000]) {
      const [status, text] = await send(deep(levels));
      expect([status, text]).toEqual([400, expect.stringContaining('nested more than 512 deep')]);
    }
    expect(shop.seen).toEqual([]);
  });

  it('is not one that is as deep as it may be', async () => {
    expect((await send(deep(512)))[0]).toBe(200);
    expect(shop.seen[0]?.body).toBe(deep(512));
  });
});
