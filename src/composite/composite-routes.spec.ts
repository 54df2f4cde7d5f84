import { type ServerResponse } from 'node:http';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  Post,
  type Provider,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { eventually } from '../aggregation/testing/eventually.js';
import { type Ask, type Answer, TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { ConfigurationError } from '../upstream/config/configuration-error.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { CompositeTable } from './composite-table.js';
import { CompositeModule } from './composite.module.js';
import { parseGateway } from './config/gateway.js';

@Controller()
class ShopController {
  @Get('shops/:shop')
  shop(@Param('shop') shop: string): object {
    return { shop };
  }

  @Get('shops/:shop/latest')
  latest(): object {
    return { latest: true };
  }

  @Post('shops/:shop/orders')
  order(): object {
    return { ordered: true };
  }
}

@Module({ controllers: [ShopController] })
class ShopModule {}

let upstream: RecordingServer;
let gateway: TestGateway | undefined;

beforeAll(async () => {
  upstream = await recordingServer(({ url }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ asked: url }));
  });
});

afterAll(() => upstream.close());

afterEach(async () => {
  await gateway?.stop();
  gateway = undefined;
});

const PARTS = { order: { upstream: 'orders', get: '/orders/{id}' } };

async function served(
  composites: object,
  server: object = {},
  url = upstream.origin,
  providers: Provider[] = [],
): Promise<TestGateway> {
  const text = JSON.stringify({ server, upstreams: { orders: { url } }, composites }, null, 1);
  const { config, composites: plans, source } = parseGateway(text, { env: {} });
  const imports = [UpstreamModule.forRoot({ config }), ShopModule, CompositeModule.forRoot(plans, source)];
  return (gateway = await TestGateway.start({ imports, providers }));
}

const ORDER = { order: { get: '/orders/{id}/details', parts: PARTS } };

async function askOrder(path: string, options: Ask = {}): Promise<Answer> {
  return (gateway ?? (await served(ORDER))).ask(path, options);
}

describe('the route of a composite', () => {
  it('takes its verb', async () => {
    expect(await askOrder('/orders/o-1/details')).toMatchObject({
      status: 200,
      text: '{"order":{"asked":"/orders/o-1"}}',
    });
  });

  it('answers a HEAD as it would a GET, without the body', async () => {
    const { headers } = await askOrder('/orders/o-1/details');
    const head = await askOrder('/orders/o-1/details', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe(headers['content-length']);
    expect(head.headers['etag']).toBe(headers['etag']);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'refuses %s with the verbs that it takes',
    async (method) => {
      const { status, headers, text } = await askOrder('/orders/o-1/details', { method });
      expect(status).toBe(405);
      expect(headers['allow']).toBe('GET, HEAD');
      expect(JSON.parse(text)).toMatchObject({ title: 'Method Not Allowed', status: 405 });
    },
  );

  it('names the verbs of a controller at the same path as well', async () => {
    await served({ orders: { get: '/shops/{id}/orders', parts: PARTS } });
    const { status, headers } = await askOrder('/shops/s-1/orders', { method: 'PUT' });
    expect(status).toBe(405);
    expect(headers['allow']).toBe('GET, HEAD, POST');
  });

  it('may share its path with a controller that takes another verb', async () => {
    await served({ orders: { get: '/shops/{id}/orders', parts: PARTS } });
    expect(await askOrder('/shops/s-1/orders', { method: 'POST' })).toMatchObject({
      text: '{"ordered":true}',
    });
    expect(await askOrder('/shops/s-1/orders')).toMatchObject({ text: '{"order":{"asked":"/orders/s-1"}}' });
  });

  it('yields to a more specific one of a controller', async () => {
    await served({ more: { get: '/shops/{id}/{what}', parts: PARTS } });
    expect(await askOrder('/shops/s-1/latest')).toMatchObject({ text: '{"latest":true}' });
    expect(await askOrder('/shops/s-1/oldest')).toMatchObject({ text: '{"order":{"asked":"/orders/s-1"}}' });
  });

  it.each([
    '/orders/o-1',
    '/orders',
    '/orders/o-1/details/more',
    '/Orders/o-1/details',
    '/orders//details',
    '/*',
    '/',
  ])('is not that of %s', async (path) => {
    const { status, headers, text } = await askOrder(path);
    expect(status).toBe(404);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(JSON.parse(text)).toMatchObject({ detail: 'There is nothing at this path.' });
  });

  it('answers an unknown path as it does without any composite', async () => {
    const bodies = [
      { body: '{"a":', headers: { 'content-type': 'application/json' } },
      { body: 'a', headers: { 'content-type': 'no/such-type' } },
      { body: 'x'.repeat(1_100_000), headers: { 'content-type': 'application/json' } },
    ];
    const asked = async (): Promise<unknown[]> => {
      const answers = [];
      for (const body of bodies) {
        const { status, headers, text } = await askOrder('/nowhere', { method: 'POST', ...body });
        const { requestId: _, ...problem } = JSON.parse(text) as Record<string, unknown>;
        answers.push({ status, type: headers['content-type'], problem });
      }
      return answers;
    };
    await served(ORDER);
    const beside = await asked();
    await gateway?.stop();
    await served({});
    expect(beside).toEqual(await asked());
  });

  it('is looked up once for a request', async () => {
    const { app } = await served(ORDER);
    const find = jest.spyOn(app.get(CompositeTable), 'find');
    expect((await askOrder('/orders/1/details')).status).toBe(200);
    expect(find).toHaveBeenCalledTimes(1);
  });

  it('is the same with a slash at its end', async () => {
    expect(await askOrder('/orders/o-1/details/')).toMatchObject({ status: 200 });
  });

  it.each([
    ['a%2Fb', 'a%2Fb'],
    ['a%252Fb', 'a%252Fb'],
    ['%E2%82%AC', '%E2%82%AC'],
    ['a%20b', 'a%20b'],
    ['%6f-1', 'o-1'],
    ['a;b', 'a%3Bb'],
    ['a%3Fb%23c', 'a%3Fb%23c'],
  ])('decodes the segment %s once, as one parameter', async (sent, asked) => {
    expect(await askOrder(`/orders/${sent}/details?x=1`)).toMatchObject({
      text: `{"order":{"asked":"/orders/${asked}"}}`,
    });
  });

  it.each(['/orders/%/details', '/orders/%C3%28/details', '/shops/%', '/shops/%C3%28'])(
    'is not found for %s, which cannot be read',
    async (path) => {
      const { status, text } = await askOrder(path);
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ detail: 'The path cannot be read.' });
    },
  );

  it.each(['/orders/{}/details', '/shops/{}'])(
    'takes no longer segment than that of a controller: %s',
    async (path) => {
      const ask = async (length: number): Promise<Answer> => askOrder(path.replace('{}', 'x'.repeat(length)));
      expect(await ask(256)).toMatchObject({ status: 200 });
      const { status, text } = await ask(257);
      expect(status).toBe(414);
      expect(JSON.parse(text)).toMatchObject({ detail: 'A segment of the path is too long.' });
    },
  );
});

describe('a composite that no request would reach', () => {
  const refusals = async (composites: object): Promise<readonly string[]> => {
    const error: unknown = await served(composites).catch((error: unknown) => error);
    if (!(error instanceof ConfigurationError))
      throw new Error(`expected a ConfigurationError, not ${String(error)}`);
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  };

  it('stops the start, and is named with its place', async () => {
    expect(await refusals({ shop: { get: '/shops/{id}', parts: PARTS } })).toEqual([
      '10:11 composites.shop.get: found "/shops/{id}"; expected another route: GET /shops/:shop of a controller answers ' +
        'those requests already',
    ]);
  });

  it.each([
    ['/shops/best', '/shops/:shop'],
    ['/shops/{id}/latest', '/shops/:shop/latest'],
    ['/shops/best/latest', '/shops/:shop/latest'],
  ])('is %s, which %s answers', async (get, own) => {
    const parts = { order: { upstream: 'orders', get: '/orders/1' } };
    const [problem] = await refusals({ shop: { get, params: get.includes('{id}') ? {} : undefined, parts } });
    expect(problem).toContain(`GET ${own} of a controller`);
  });
});

describe('what looks at routes', () => {
  const SHEDDABLE = {
    maxInFlight: 2,
    sheddableSharePercent: 50,
    priorities: { '/orders/{id}': 'sheddable' },
  };

  it('gives a request the priority of its composite', async () => {
    const answers: ServerResponse[] = [];
    const slow = await recordingServer((_request, response) => void answers.push(response));
    const { ask } = bound(await served(ORDER, { admission: SHEDDABLE }, slow.origin));
    const first = ask('/orders/o-1/details');
    await eventually(() => answers.length === 1);
    expect(await ask('/orders/o-2/details')).toMatchObject({ status: 503 });
    expect(await ask('/shops/s-1')).toMatchObject({ status: 200 });
    for (const answer of answers) answer.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    expect(await first).toMatchObject({ status: 200 });
    await slow.close();
  });

  it('finds no priority idle that a composite has', async () => {
    const { log } = await served(ORDER, { admission: SHEDDABLE });
    expect(log.warnings).toEqual([]);
  });

  it('takes a priority above no route for one of a composite that was probably meant', async () => {
    const { log } = await served(ORDER, { admission: { priorities: { '/order': 'sheddable' } } });
    expect(log.warnings).toEqual([
      ['server.admission.priorities./order: above no route of the API; did you mean /orders?', 'Admission'],
    ]);
  });

  it('logs an error under the route of the composite', async () => {
    @Injectable()
    class Fault implements NestInterceptor {
      intercept(): never {
        throw new Error('a fault of ours');
      }
    }
    const { log } = await served(ORDER, {}, upstream.origin, [{ provide: APP_INTERCEPTOR, useClass: Fault }]);
    expect(await askOrder('/orders/o-1/details')).toMatchObject({ status: 500 });
    const [[message] = []] = log.errors;
    expect(message).toMatch(/^GET \/orders\/:id\/details \(\S+\) failed$/);
  });
});

function bound(of: TestGateway): { readonly ask: TestGateway['ask'] } {
  return { ask: (...args) => of.ask(...args) };
}
