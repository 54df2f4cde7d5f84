import { createUndiciHttpService, type UndiciHttpOptions } from '../http/undici-http.service.js';
import { RequestContext } from './request-context.js';
import { type SharedRequest, SharedRequests } from './shared-request.js';
import { configOf, Opened, type WrittenUpstream } from './testing/spec-support.js';
import { UpstreamCall, type UpstreamRequest } from './upstream-call.js';

const opened = new Opened();
afterEach(() => opened.close());

function setUp(written: WrittenUpstream = {}, options: UndiciHttpOptions = {}) {
  const config = configOf({ orders: { url: 'http://orders.test', ...written } }).upstreams['orders'];
  if (config === undefined) throw new Error('no such upstream');
  const http = opened.add(createUndiciHttpService(options));
  const requests = new SharedRequests(config, http);
  const callOf = (request: Partial<UpstreamRequest> = {}): UpstreamCall =>
    RequestContext.none.run(
      () => new UpstreamCall({ method: 'GET', url: '/1', ...request }, 0, 1000, config.forwardHeaders),
      undefined,
    );
  return {
    headers: http.axiosRef.defaults.headers,
    defaults: http.axiosRef.defaults,
    ask: (request?: Partial<UpstreamRequest>): SharedRequest | undefined => requests.of(callOf(request)),
    changed: (): string => requests.uriOf(callOf({ method: 'PUT' })),
  };
}

describe('requests to upstreams of one name', () => {
  it('share answers where both are the same', () => {
    const written = {
      url: undefined,
      urls: ['http://a.test', 'http://b.test'],
    } as unknown as WrittenUpstream;
    const turned = { ...written, urls: ['http://b.test', 'http://a.test'] };
    const [one, other] = [setUp(written), setUp(turned)];
    expect(other.ask()).toEqual(one.ask());
    expect(other.changed()).toBe(one.changed());
  });

  it('share none, and change nothing for each other, where they go elsewhere', () => {
    const [staging, production] = [setUp(), setUp({ url: 'http://orders.test/v2' })];
    expect(production.ask()?.key).not.toBe(staging.ask()?.key);
    expect(production.ask()?.uri).not.toBe(staging.ask()?.uri);
    expect(production.changed()).not.toBe(staging.changed());
  });

  it('are changed by whoever changes what is there', () => {
    const { ask, changed } = setUp();
    expect(changed()).toBe(ask()?.uri);
  });

  it('name neither the upstream’s URL nor its password', () => {
    const { ask } = setUp({ url: 'http://orders.test/secret' });
    expect(JSON.stringify(ask())).not.toMatch(/secret|orders/);
  });
});

describe('headers that an axios instance adds', () => {
  it.each<[string, UndiciHttpOptions]>([
    ['to each request', { headers: { 'x-tenant': 'b' } }],
    ['to those of a verb', { headers: { get: { 'x-tenant': 'b' } } }],
    ['to those of all verbs', { headers: { common: { 'x-tenant': 'b' } } }],
  ])('%s are part of the key, and not of what a change invalidates', (_to, options) => {
    const [plain, other] = [setUp(), setUp({}, options)];
    expect(other.ask()?.key).not.toBe(plain.ask()?.key);
    expect(other.ask()?.uri).toBe(plain.ask()?.uri);
  });

  it.each(['common', 'get'] as const)('count from when they stand in `%s`', (bucket) => {
    const { headers, ask } = setUp();
    const fields = headers[bucket] as Record<string, unknown>;
    const before = ask()?.key;
    fields['x-tenant'] = 'a';
    const a = ask()?.key;
    fields['x-tenant'] = 'b';
    const b = ask()?.key;
    delete fields['x-tenant'];
    expect(new Set([before, a, b]).size).toBe(3);
    expect(ask()?.key).toBe(before);
  });

  it.each([
    ['authorization', 'Bearer a'],
    ['Cookie', 'sid=a'],
    ['x-tenants', ['a', 'b']],
  ])('keep answers apart where they cannot stand in a key: %s', (name, value) => {
    const { headers, ask } = setUp();
    expect(ask()).toBeDefined();
    (headers.common as Record<string, unknown>)[name] = value;
    expect(ask()).toBeUndefined();
  });
});

it.each([
  ['auth', { username: 'a', password: 'b' }],
  ['params', { a: 1 }],
  ['allowAbsoluteUrls', false],
  ['responseType', 'arraybuffer'],
  ['paramsSerializer', () => 'a=1'],
  ['socketPath', '/var/run/orders.sock'],
])('no answer is shared while the defaults of the axios instance hold %s', (option, value) => {
  const { defaults, ask } = setUp();
  Object.assign(defaults, { [option]: value });
  expect(ask()).toBeUndefined();
  Object.assign(defaults, { [option]: undefined });
  expect(ask()).toBeDefined();
});
