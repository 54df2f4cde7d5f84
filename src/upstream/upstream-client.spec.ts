import { type StandardSchemaV1 } from '@standard-schema/spec';
import { type Observable } from 'rxjs';
import { z } from 'zod';
import { type RecordingServer, recordingServer, type Serve } from '../http/testing/recording-server.js';
import { VERDICTS } from '../resilience/verdict.js';
import { failureOf, Fixture, Opened, statuses, valueOf } from './testing/spec-support.js';
import { InvalidAnswerError } from './json-call.js';
import { type RequestOptions, UpstreamClient } from './upstream-client.js';
import { UrlTemplateError } from './template-expression.js';

const opened = new Opened();
afterEach(() => opened.close());

const order = z.object({ id: z.string(), total: z.number() });

class OrdersClient extends UpstreamClient {
  byId(id: string): Observable<z.infer<typeof order>> {
    return this.get('/orders/{id}', { params: { id }, schema: order });
  }

  raw(options?: RequestOptions): Observable<unknown> {
    return this.get('/orders{?page}', { params: { page: null }, ...options });
  }

  at(template: string, params: RequestOptions['params'] = {}): Observable<unknown> {
    return this.get(template, { params });
  }

  parsedBy(schema: StandardSchemaV1): Observable<unknown> {
    return this.get('/', { schema });
  }

  place(body: unknown, options?: RequestOptions): Observable<unknown> {
    return this.post('/orders', body, options);
  }

  override post(template: string, body: unknown, options?: RequestOptions): Observable<unknown> {
    return super.post(template, body, options);
  }

  override put(template: string, body: unknown): Observable<unknown> {
    return super.put(template, body);
  }

  override patch(template: string, body: unknown): Observable<unknown> {
    return super.patch(template, body);
  }

  override delete(template: string): Observable<unknown> {
    return super.delete(template);
  }

  override head(template: string): Observable<Readonly<Record<string, unknown>>> {
    return super.head(template);
  }
}

async function clientOf(
  serve: Serve,
): Promise<{ readonly server: RecordingServer; readonly fixture: Fixture; readonly orders: OrdersClient }> {
  const server = opened.add(await recordingServer(serve));
  const fixture = opened.add(new Fixture({ url: server.origin }));
  return { server, fixture, orders: new OrdersClient(fixture.orders) };
}

/** Answers 200 with this text. */
const says =
  (text: string, headers: Readonly<Record<string, string>> = {}): Serve =>
  (_request, response) => {
    response.writeHead(200, headers).end(text);
  };

describe('a client', () => {
  it('answers what its schema made of the body', async () => {
    const { server, orders } = await clientOf(says('{"id":"o-7","total":3,"more":true}'));
    const answer: z.infer<typeof order> = await valueOf(orders.byId('o/7'));
    expect(answer).toEqual({ id: 'o-7', total: 3 });
    expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /orders/o%2F7']);
  });

  it.each<[string, unknown]>([
    ['{"a":[null]}', { a: [null] }],
    ['[]', []],
    ['{}', {}],
    ['null', null],
    ['false', false],
    ['0', 0],
    ['"text"', 'text'],
    ['\ufeff{"bom":1}', { bom: 1 }],
    ['', null],
  ])('without a schema answers the body %j as %j', async (text, value) => {
    const { orders } = await clientOf(says(text));
    expect(await valueOf(orders.raw())).toEqual(value);
  });

  it('answers null to a 204, and lets a schema see it', async () => {
    const { orders } = await clientOf(statuses(204));
    expect(await valueOf(orders.raw())).toBeNull();
    expect(await valueOf(orders.parsedBy(z.null().transform(() => 'nothing')))).toBe('nothing');
  });

  it.each<[string, (orders: OrdersClient) => Observable<unknown>, string]>([
    ['POST', (orders) => orders.post('/x', { a: 1 }), '{"a":1}'],
    ['PUT', (orders) => orders.put('/x', [1]), '[1]'],
    ['PATCH', (orders) => orders.patch('/x', { a: null }), '{"a":null}'],
    ['DELETE', (orders) => orders.delete('/x'), ''],
  ])('sends %s', async (verb, send, body) => {
    const { server, orders } = await clientOf(says('{"ok":true}'));
    expect(await valueOf(send(orders))).toEqual({ ok: true });
    expect(server.seen).toMatchObject([{ method: verb, url: '/x', body }]);
    expect(server.seen[0]?.headers['content-type']).toBe(body === '' ? undefined : 'application/json');
  });

  it('answers the headers to HEAD', async () => {
    const { server, orders } = await clientOf(
      says('', { 'X-Total-Count': '17', 'content-type': 'application/json' }),
    );
    expect(await valueOf(orders.head('/x'))).toMatchObject({ 'x-total-count': '17' });
    expect(server.seen).toMatchObject([{ method: 'HEAD' }]);
  });

  it('sends headers, an idempotency key, and no more time than it has', async () => {
    const { server, orders } = await clientOf(statuses(503, 200));
    await valueOf(orders.place({}, { headers: { 'X-Trace': 't' }, idempotencyKey: 'k-1', deadlineMs: 700 }));
    const sent = {
      'x-trace': 't',
      'idempotency-key': 'k-1',
      'x-envoy-expected-rq-timeout-ms': expect.any(String) as string,
    };
    expect(server.seen.map(({ headers }) => headers)).toMatchObject([sent, sent]);
    expect(Number(server.seen[0]?.headers['x-envoy-expected-rq-timeout-ms'])).toBe(700);
  });

  it('fails with the status of the answer, though somebody changed what axios takes for a success', async () => {
    const { fixture, orders } = await clientOf(statuses(404));
    fixture.orders.http.axiosRef.defaults.validateStatus = () => true;
    expect(await failureOf(orders.raw())).toMatchObject({ reason: 'status', status: 404 });
  });
});

describe('an answer that a client cannot use', () => {
  it.each(['<html>', '{"id":', 'undefined', '{}{}'])('is invalid when it is no JSON: %j', async (text) => {
    const { server, orders } = await clientOf(says(text));
    const failure = await failureOf(orders.raw());
    expect(failure).toMatchObject({ reason: 'invalid', verdict: VERDICTS.neutral });
    expect(failure.message).toBe("upstream 'orders': the answer is not JSON");
    expect(server.seen).toHaveLength(1);
  });

  it('is invalid when it does not fit the schema; the error names places, and no values', async () => {
    const { orders } = await clientOf(says('{"id":42,"total":"hunter2"}'));
    const failure = await failureOf(orders.byId('o-7'));
    expect(failure).toMatchObject({ reason: 'invalid', verdict: VERDICTS.neutral });
    expect(failure.message).toBe("upstream 'orders': the answer does not fit its schema at id, total");
    expect(failure.cause).toBeInstanceOf(InvalidAnswerError);
    expect((failure.cause as InvalidAnswerError).issues).toHaveLength(2);
    expect(failure.message + String(failure.cause)).not.toMatch(/42|hunter2/);
  });

  it.each<[string, StandardSchemaV1, string, string]>([
    ['its root', z.object({}), '[]', 'its root'],
    [
      'a place in a list',
      z.object({ lines: z.object({ sku: z.string() }).array() }),
      '{"lines":[{"sku":"a"},{}]}',
      'lines.1.sku',
    ],
    [
      'five places, and a count of the others',
      z.number().array(),
      '["a","b","c","d","e","f","g"]',
      '0, 1, 2, 3, 4 and 2 more',
    ],
  ])('is told by %s', async (_what, schema, text, places) => {
    const { orders } = await clientOf(says(text));
    const { message } = await failureOf(orders.parsedBy(schema));
    expect(message).toBe(`upstream 'orders': the answer does not fit its schema at ${places}`);
  });

  it('is told as well when the schema names its places by objects', async () => {
    const { orders } = await clientOf(says('{}'));
    const issues = [{ message: 'bad', path: [{ key: 'lines' }, { key: 0 }] }];
    const { message } = await failureOf(orders.parsedBy(schemaOf(() => ({ issues }))));
    expect(message).toContain('at lines.0');
  });

  it('says so when the schema itself is at fault', async () => {
    const { orders } = await clientOf(says('{}'));
    const bug = new TypeError('hunter2');
    const throwing = schemaOf(() => {
      throw bug;
    });
    const failure = await failureOf(orders.parsedBy(throwing));
    expect(failure).toMatchObject({ reason: 'invalid', cause: bug });
    expect(failure.message).toBe("upstream 'orders': the schema of its answer threw an error");
  });

  it('cannot be parsed by a schema that takes its time, whatever becomes of that', async () => {
    const { orders } = await clientOf(says('{}'));
    const later = schemaOf(() => Promise.reject(new Error('nobody hears this')));
    expect((await failureOf(orders.parsedBy(later))).message).toBe(
      "upstream 'orders': the schema of its answer must be synchronous",
    );
  });
});

describe('a request that a client cannot make', () => {
  it.each<[string, RequestOptions['params'], string]>([
    ['/orders/{id}', { id: '' }, "the URL template '/orders/{id}' got an empty value for 'id'"],
    ['/orders/{id}', {}, "the URL template '/orders/{id}' needs a value for 'id'"],
    [
      '/orders/{id}',
      { id: '..' },
      "the URL template '/orders/{id}' would leave its path: a value has a segment '.' or '..'",
    ],
    ['orders', {}, "the URL template 'orders' must start with '/'"],
  ])('fails before it is sent: %s with %j', async (template, params, message) => {
    const { server, orders, fixture } = await clientOf(statuses(200));
    const failure = await failureOf(orders.at(template, params));
    expect(failure).toMatchObject({ reason: 'invalid', message: `upstream 'orders': ${message}` });
    expect(failure.cause).toBeInstanceOf(UrlTemplateError);
    expect(server.seen).toEqual([]);
    expect(fixture.events).toEqual([]);
  });

  it.each<[string, unknown, RequestOptions]>([
    ['a body that is no JSON', { amount: 7n }, {}],
    ['a header with a line break', {}, { headers: { 'x-a': 'b\r\nx-evil: 1' } }],
  ])('fails as an UpstreamError for %s', async (_what, body, options) => {
    const { server, orders } = await clientOf(statuses(200));
    expect(await failureOf(orders.place(body, options))).toMatchObject({ reason: 'invalid' });
    expect(server.seen).toEqual([]);
  });
});

function schemaOf(
  validate: (value: unknown) => ReturnType<StandardSchemaV1['~standard']['validate']>,
): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}
