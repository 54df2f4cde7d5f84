import fc from 'fast-check';
import { parseGateway } from './config/gateway.js';
import { type Forecast, forecastOf } from './forecast.js';

/** Without chance: one attempt of a second, and 100 ms in the queue. */
const PLAIN = { url: 'http://localhost:1', retry: { maxAttempts: 1 } };

function forecast(
  parts: Readonly<Record<string, object>>,
  { upstreams = {}, ...composite }: { readonly upstreams?: object } & Readonly<Record<string, unknown>> = {},
): Forecast {
  const written = Object.entries(parts).map(
    ([name, part]) => [name, { upstream: 'shop', get: `/${name}`, required: true, ...part }] as const,
  );
  const text = JSON.stringify({
    upstreams: { shop: PLAIN, ...upstreams },
    composites: { screen: { get: '/screen', ...composite, parts: Object.fromEntries(written) } },
  });
  const { composites, config } = parseGateway(text, { env: {} });
  const [plan] = composites;
  if (plan === undefined) throw new Error('the composite has no plan');
  return forecastOf(plan, config);
}

/** A composite that may change something. */
const WRITES = { get: undefined, post: '/screen' };

function messages({ notes }: Forecast): readonly string[] {
  return notes.map(({ level, part = '', message }) => `${level} ${part}: ${message}`);
}

describe('the calls of a composite at worst', () => {
  it('are one for each part, and as many attempts of it as the policy allows', () => {
    const upstreams = { often: { url: 'http://localhost:1', retry: { maxAttempts: 3 } } };
    const {
      calls,
      attempts,
      upstreams: loads,
    } = forecast({ a: {}, b: { upstream: 'often' } }, { upstreams });
    expect({ calls, attempts }).toEqual({ calls: 2, attempts: 4 });
    expect(loads).toEqual([
      { upstream: 'shop', calls: 1, attempts: 1 },
      { upstream: 'often', calls: 1, attempts: 3 },
    ]);
  });

  it('are hedges instead of retries where the upstream is hedged and the part reads', () => {
    const hedged = { url: 'http://localhost:1', hedge: { mode: 'fixed', maxHedges: 4 } };
    const { parts } = forecast(
      { read: { upstream: 'hedged' }, write: { upstream: 'hedged', get: undefined, put: '/write' } },
      { upstreams: { hedged }, ...WRITES },
    );
    expect(parts).toMatchObject([
      { part: 'read', repeats: 'hedges', attemptsPerCall: 5 },
      { part: 'write', repeats: 'retries', attemptsPerCall: 2 },
    ]);
  });

  it('repeat a POST only where an idempotency key makes that safe', () => {
    const upstreams = { often: { url: 'http://localhost:1', retry: { maxAttempts: 3 } } };
    const post = { upstream: 'often', get: undefined, post: '/orders' };
    const keyed = { ...post, idempotencyKey: `'k'` };
    const { parts } = forecast({ plain: post, keyed }, { upstreams, ...WRITES });
    expect(parts.map(({ attemptsPerCall }) => attemptsPerCall)).toEqual([1, 3]);
  });

  it('of a join are as many as it may have keys, or batches of them', () => {
    const forEach = { items: 'a.items', maxItems: 120 };
    const { parts } = forecast({
      a: {},
      each: { get: '/each/{id}', values: { id: 'key' }, forEach },
      batched: {
        get: '/batched{?ids}',
        values: { ids: 'keys' },
        forEach: { ...forEach, batch: { size: 50, key: 'id' } },
      },
    });
    expect(parts.map(({ calls }) => calls)).toEqual([1, 120, 3]);
  });
});

describe('the time of a composite at worst', () => {
  it('is that of the longest chain of parts that wait for each other', () => {
    const { worstMs, singleMs, criticalPath, parts } = forecast({
      a: {},
      b: { get: '/b/{a.id}' },
      beside: { within: '50ms' },
    });
    expect({ worstMs, singleMs, criticalPath }).toEqual({
      worstMs: 2_200,
      singleMs: 2_000,
      criticalPath: ['a', 'b'],
    });
    expect(parts.map(({ startsAtMs }) => startsAtMs)).toEqual([0, 1_100, 0]);
  });

  it('has the longest backoff before each further attempt, up to its cap', () => {
    const retry = { maxAttempts: 4, backoffBaseMs: 100, backoffCapMs: 150 };
    const patient = { url: 'http://localhost:1', deadlineMs: '1m', bulkhead: { maxQueueWaitMs: 0 }, retry };
    const { worstMs } = forecast({ a: { upstream: 'patient' } }, { upstreams: { patient } });
    expect(worstMs).toBe(4 * 1_000 + 100 + 150 + 150);
  });

  it('is never more than within, nor a call more than the deadline of its upstream', () => {
    const short = { url: 'http://localhost:1', deadlineMs: 1_500, retry: { maxAttempts: 5 } };
    const { parts } = forecast(
      { a: { upstream: 'short' }, b: { within: '200ms' } },
      { upstreams: { short } },
    );
    expect(parts.map(({ worstMs }) => worstMs)).toEqual([1_500, 200]);
  });

  it('of a join is that of its calls in rounds', () => {
    const { parts } = forecast({
      a: {},
      each: {
        get: '/each/{id}',
        values: { id: 'key' },
        forEach: { items: 'a.items', maxItems: 25, concurrency: 10 },
      },
    });
    expect(parts[1]?.worstMs).toBe(3 * 1_100);
  });

  it('of a hedged call has a hedge delay for each attempt that runs beside another one', () => {
    const hedge = { mode: 'fixed', delayMs: 200, maxHedges: 3 };
    const bulkhead = { maxQueueWaitMs: 0 };
    const hedged = { ...PLAIN, deadlineMs: '1m', bulkhead, hedge };
    const { worstMs } = forecast({ a: { upstream: 'hedged' } }, { upstreams: { hedged } });
    expect(worstMs).toBe(1_000 + 3 * 200);
  });

  it('is at least that of any part, and at most that of all one after another', () => {
    const graph = fc.array(fc.array(fc.nat({ max: 6 }), { maxLength: 3 }), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(graph, (needs) => {
        const named = needs.map((before, index) => {
          const names = [...new Set(before.filter((other) => other < index).map((other) => `p${other}`))];
          return [`p${index}`, { needs: names, within: 10 * (index + 1) }] as const;
        });
        const { worstMs, parts, criticalPath } = forecast(Object.fromEntries(named));
        const each = parts.map((part) => part.worstMs);
        expect(worstMs).toBeGreaterThanOrEqual(Math.max(...each));
        expect(worstMs).toBeLessThanOrEqual(each.reduce((sum, ms) => sum + ms, 0));
        const onPath = parts.filter(({ part }) => criticalPath.includes(part));
        expect(onPath.reduce((sum, part) => sum + part.worstMs, 0)).toBe(worstMs);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the notes of a forecast', () => {
  it('warn of a chain that cannot finish even if nothing is repeated', () => {
    const found = messages(forecast({ a: {}, b: { get: '/b/{a.id}' } }, { deadline: '1500ms' }));
    expect(found).toEqual([expect.stringMatching(/^warning : a → b may take 2 s without a single retry/)]);
  });

  it('only mention that the last retries will be cut', () => {
    const upstreams = { shop: { url: 'http://localhost:1' } };
    const found = messages(forecast({ a: {}, b: { get: '/b/{a.id}' } }, { upstreams }));
    expect(found).toEqual([expect.stringMatching(/^note : a → b may take 4.5 s with retries, .* cut$/)]);
  });

  it('warn of a within that no breaker ever sees, and of a deadline that none does', () => {
    expect(messages(forecast({ a: { within: '1s' } }))).toEqual([
      expect.stringMatching(/^warning a: within \(1 s\) .* Set upstreams.shop.attemptTimeoutMs below it$/),
    ]);
    expect(messages(forecast({ a: {} }, { deadline: '900ms' }))).toContainEqual(
      expect.stringMatching(/^warning a: the composite's deadline \(900 ms\)/),
    );
    expect(messages(forecast({ a: { within: '1001ms' } }))).toEqual([]);
  });

  it('warn of a join that is worth a batch endpoint, and of one that asks for more at once than is let through', () => {
    const join = { get: '/each/{id}', values: { id: 'key' }, within: '2s' };
    const found = (forEach: object): readonly string[] =>
      messages(forecast({ a: {}, each: { ...join, forEach: { items: 'a.items', ...forEach } } }));
    expect(found({ maxItems: 50 })).toContainEqual(
      expect.stringMatching(/^warning each: one request may make 50 calls to shop: give it a batch endpoint/),
    );
    expect(found({ maxItems: 49 }).join()).not.toContain('batch endpoint');
    expect(found({ maxItems: 100, concurrency: 65 }).join()).toContain(
      'it asks for 65 at once, and shop takes 64',
    );
  });

  it('mention a composite without required parts, and a POST that is sent once', () => {
    const post = { get: undefined, post: '/a', required: false };
    expect(messages(forecast({ a: post }, { ...WRITES, status: 201 }))).toEqual([
      expect.stringMatching(/^note a: a POST without idempotencyKey/),
      expect.stringMatching(/^note : no part is required: .* answers 201/),
    ]);
  });

  it('warn of a select that names another part, which it cannot see', () => {
    const select = (text: string, more: object = {}) =>
      messages(forecast({ order: {}, b: { select: text, ...more } }));
    const warning: unknown = expect.stringMatching(
      /^warning b: select looks at the answer of its own call only: order /,
    );
    expect(select('order')).toEqual([warning]);
    expect(select('order.id')).toEqual([warning]);
    expect(select('orders')).toEqual([]);
    expect(select('order[].id')).toEqual([]);
    // Its answer has such a field.
    expect(select('order', { schema: { type: 'object', properties: { order: {} } } })).toEqual([]);
    expect(messages(forecast({ order: { select: 'order' } }))).toEqual([]);
  });

  it('warn of a text in double quotes, which is a name', () => {
    const select = (text: string) => messages(forecast({ a: { select: text } }));
    expect(select('lines[?sku == "p-64"]')).toEqual([
      'warning a: "p-64" is compared as the name of a field: ' +
        "for the text itself write 'p-64', in single quotes",
    ]);
    expect(select(`lines[?"order-id" == 'o-1' && a == "b".c]`)).toEqual([]);
  });

  it('warn of a stand-in that is trimmed away', () => {
    const warned = (part: object) =>
      messages(forecast({ list: {}, a: { required: false, ...part } })).filter((text) =>
        text.includes('trim'),
      );
    const says = (key: string): readonly unknown[] => [
      expect.stringMatching(`^warning a: ${key} has no key that pick and omit leave`),
    ];
    expect(warned({ fallback: { none: 1 }, pick: ['name'] })).toEqual(says('fallback'));
    expect(warned({ fallback: { none: 1 }, omit: ['none'] })).toEqual(says('fallback'));
    expect(warned({ fallback: { name: 'x', none: 1 }, pick: ['name'] })).toEqual([]);
    expect(warned({ fallback: {}, pick: ['name'] })).toEqual([]);
    const join = (missing: object) => ({
      get: '/each/{key}',
      forEach: { items: 'list', key: 'id', stitch: 'one', missing },
      pick: ['name'],
    });
    expect(warned(join({ none: true }))).toEqual(says('forEach.missing'));
    expect(warned(join({ name: 'unknown' }))).toEqual([]);
  });
});
