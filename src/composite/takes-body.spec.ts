import { parseGateway } from './config/gateway.js';
import { takesBody } from './takes-body.js';

function planned(composite: object): boolean {
  const upstreams = { a: { url: 'http://a' } };
  const { composites } = parseGateway(JSON.stringify({ upstreams, composites: { it: composite } }), {
    env: {},
  });
  const [plan] = composites;
  return plan !== undefined && takesBody(plan);
}

const part = { upstream: 'a', post: '/{id}', values: { id: 1 } };

describe('a composite that takes a body', () => {
  it.each([
    ['checks it', { bodySchema: { type: 'object' }, parts: { part } }],
    ['passes it on', { forward: { body: true }, parts: { part } }],
    ['passes it on to one part', { parts: { part: { ...part, forward: { body: true } } } }],
    ['has a value of it in a URL', { parts: { part: { ...part, values: { id: 'body.id' } } } }],
    ['in a header', { parts: { part: { ...part, headers: { x: 'body.id' } } } }],
    ['in a body', { parts: { part: { ...part, body: { all: ['body.id'] } } } }],
    ['in an idempotency key', { parts: { part: { ...part, idempotencyKey: 'body.id' } } }],
    ['in a condition', { parts: { part: { ...part, when: 'body.id' } } }],
    [
      'in the items of a join',
      { parts: { part: { upstream: 'a', get: '/{key}', forEach: { items: 'body.lines', key: 'id' } } } },
    ],
  ])('%s', (_how, composite) => {
    expect(planned({ post: '/it', ...composite })).toBe(true);
  });

  it('is none that does none of this, and no GET', () => {
    expect(planned({ post: '/it', parts: { part } })).toBe(false);
    expect(planned({ get: '/it', parts: { part: { upstream: 'a', get: '/' } } })).toBe(false);
  });
});
