import fc from 'fast-check';
import { parseGateway } from './config/gateway.js';
import { type OrderedPart, writeOrder } from './write-order.js';

function read(name: string, needs: readonly string[] = []): OrderedPart {
  return { name, write: false, required: false, needs };
}

function requiredRead(name: string, needs: readonly string[] = []): OrderedPart {
  return { name, write: false, required: true, needs };
}

function write(name: string, needs: readonly string[] = []): OrderedPart {
  return { name, write: true, required: true, needs };
}

function orderOf(...parts: readonly OrderedPart[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(writeOrder(parts, false));
}

describe('the order of writes', () => {
  it('leaves parts alone where nothing is written', () => {
    expect(orderOf(requiredRead('a'), requiredRead('b'))).toEqual({});
  });

  it('puts one write behind another', () => {
    expect(orderOf(write('a'), write('b'), write('c'))).toEqual({ b: ['a'], c: ['b'] });
  });

  it('keeps a write back until every required part above it is there', () => {
    expect(orderOf(requiredRead('a'), requiredRead('b'), write('c'))).toEqual({ c: ['a', 'b'] });
  });

  it('keeps a required part back until the write above it is done, so that its failure cannot cut that off', () => {
    expect(orderOf(write('a'), requiredRead('b'), requiredRead('c'), write('d'))).toEqual({
      b: ['a'],
      c: ['a'],
      d: ['b', 'c'],
    });
  });

  it('lets optional reads run as they like', () => {
    expect(orderOf(read('a'), write('b'), read('c'))).toEqual({});
  });

  it('counts an optional write like any other', () => {
    expect(orderOf({ ...write('a'), required: false }, write('b'))).toEqual({ b: ['a'] });
  });

  it('puts every part in order where every part is required', () => {
    expect(Object.fromEntries(writeOrder([read('a'), write('b'), read('c')], true))).toEqual({
      b: ['a'],
      c: ['b'],
    });
  });

  it('lets a required part refer to a write below it', () => {
    expect(orderOf(requiredRead('a', ['b']), write('b'))).toEqual({ a: ['b'] });
  });

  it('lets a write refer to a write below it, and keeps everything else in order', () => {
    expect(orderOf(write('a', ['c']), requiredRead('b'), write('c'))).toEqual({ c: ['b'], a: ['c'] });
  });
});

/** Parts in any order, each of which needs some of those before it in another order. */
const graphs = fc
  .array(fc.record({ write: fc.boolean(), required: fc.boolean(), needs: fc.array(fc.nat(20)) }), {
    minLength: 2,
    maxLength: 9,
  })
  .chain((drawn) => {
    const parts = drawn.map(({ needs, ...part }, index) => ({
      ...part,
      name: `p${index}`,
      needs: index === 0 ? [] : [...new Set(needs.map((need) => `p${need % index}`))].slice(0, 2),
    }));
    return fc.shuffledSubarray(parts, { minLength: parts.length });
  });

/** What each part waits for, directly or through others. */
function allNeeds(parts: readonly OrderedPart[], strict: boolean): Map<string, Set<string>> {
  const order = writeOrder(parts, strict);
  const direct = new Map(parts.map(({ name, needs }) => [name, [...needs, ...(order.get(name) ?? [])]]));
  const reach = (name: string, seen: Set<string>): Set<string> => {
    for (const need of direct.get(name) ?? []) {
      if (!seen.has(need)) reach(need, seen.add(need));
    }
    return seen;
  };
  return new Map(parts.map(({ name }) => [name, reach(name, new Set())]));
}

describe('the order of writes among any references', () => {
  it('makes no circle', () => {
    fc.assert(
      fc.property(graphs, fc.boolean(), (parts, strict) => {
        for (const [name, needs] of allNeeds(parts, strict)) expect(needs.has(name)).toBe(false);
      }),
    );
  });

  it('leaves no write beside another, nor beside a required part', () => {
    fc.assert(
      fc.property(graphs, fc.boolean(), (parts, strict) => {
        const needs = allNeeds(parts, strict);
        for (const a of parts.filter(({ write }) => write)) {
          for (const b of parts.filter(({ write, required }) => write || required || strict)) {
            if (a === b) continue;
            expect(needs.get(a.name)?.has(b.name) === true || needs.get(b.name)?.has(a.name) === true).toBe(
              true,
            );
          }
        }
      }),
    );
  });

  it('is the order of the file where no part needs one below it', () => {
    fc.assert(
      fc.property(graphs, (drawn) => {
        const parts = drawn.map((part, index) => ({
          ...part,
          needs: part.needs.filter((need) => drawn.findIndex(({ name }) => name === need) < index),
        }));
        const needs = allNeeds(parts, false);
        for (const [later, b] of parts.entries()) {
          for (const a of parts.slice(0, later)) {
            const ordered = (a.write || b.write) && (a.write || a.required) && (b.write || b.required);
            if (ordered) expect(needs.get(b.name)?.has(a.name)).toBe(true);
          }
        }
      }),
    );
  });
});

function problemWith(composite: object): unknown {
  const upstreams = { shop: { url: 'http://shop' } };
  try {
    return parseGateway(JSON.stringify({ upstreams, composites: { page: composite } }), { env: {} });
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

describe('a write where none may stand', () => {
  const list = { upstream: 'shop', get: '/list', required: true };
  const pay = { upstream: 'shop', post: '/pay' };

  it('is refused in a get', () => {
    expect(problemWith({ get: '/page', parts: { pay } })).toMatch(
      /page\.parts\.pay\.post: found a write in a get, .*expected .*, or reads: true if this post changes nothing$/,
    );
    expect(problemWith({ get: '/page', parts: { pay: { upstream: 'shop', put: '/pay' } } })).toMatch(
      /page\.parts\.pay\.put: .*expected a composite of another verb$/,
    );
  });

  it('is refused in a join', () => {
    const each = { ...pay, forEach: 'list', values: {}, body: 'key' };
    expect(problemWith({ post: '/page', parts: { list, each } })).toMatch(
      /page\.parts\.each\.forEach: found it on a write, which happens once; expected none, or reads: true/,
    );
  });

  it('is none where it says that it reads', () => {
    const each = { ...pay, forEach: 'list', body: 'key', reads: true };
    expect(problemWith({ get: '/page', parts: { list, each } })).toHaveProperty('composites');
  });

  it('does not say that it reads where its verb does not', () => {
    expect(
      problemWith({ post: '/page', parts: { put: { upstream: 'shop', put: '/a', reads: true } } }),
    ).toMatch(/page\.parts\.put\.reads: found it on a put; expected it on a post only/);
  });
});
