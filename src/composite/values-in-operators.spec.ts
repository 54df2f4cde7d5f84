import { type TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer, type SeenRequest } from '../http/testing/recording-server.js';
import { type Random, seededRandom } from '../resilience/random.js';
import { serveComposites } from './testing/serve-composites.js';

/** Values that are tried, each with one of the operators. */
const VALUES = 3_000;
const AT_ONCE = 50;
const SEED = 5;

const PIECES: readonly string[] = [
  ...['/', '//', '\\', '.', '..', '../', '..;/', ';', ';admin=1', '?admin=1', '&admin=1', '#', '=', ',', '+'],
  ...[
    '%',
    '%2e',
    '%2E%2e',
    '%2f',
    '%252f',
    '%5c',
    '%26admin%3D1',
    '%3Fadmin',
    '%23',
    '%0d%0a',
    '%00',
    '\r\n',
  ],
  ...['{', '}', '{+v}', '{?admin}', '*', ':', '@', ' ', '\0', 'é', '😀', '\ud800', '\u202e', '／', '．'],
  ...['__proto__', 'a', 'Z', '9', '-', '_', '~'],
];

/** What an operator makes of a value: where it stands, and what stands around it. */
interface Operator {
  readonly url: string;
  /** The path with each value in it, and the query without the number of the request. */
  readonly sent: (values: readonly string[]) => readonly [path: string, query: string];
  readonly isList: boolean;
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '{v}': { url: '/base/{v}/tail{?n}', sent: ([v]) => [`/base/${v}/tail`, ''], isList: false },
  '{.v}': { url: '/base{.v}/tail{?n}', sent: ([v]) => [`/base.${v}/tail`, ''], isList: false },
  '{/v}': { url: '/base{/v}/tail{?n}', sent: ([v]) => [`/base/${v}/tail`, ''], isList: false },
  '{;v}': { url: '/base{;v}/tail{?n}', sent: ([v]) => [`/base;v=${v}/tail`, ''], isList: false },
  '{?v}': { url: '/base/tail{?n,v}', sent: ([v]) => ['/base/tail', `v=${v}`], isList: false },
  '{&v}': { url: '/base/tail?fixed=1{&n,v}', sent: ([v]) => ['/base/tail', `fixed=1&v=${v}`], isList: false },
  '{v:4}': { url: '/base/{v:4}/tail{?n}', sent: ([v]) => [`/base/${v}/tail`, ''], isList: false },
  '{/v*}': { url: '/base{/v*}/tail{?n}', sent: (all) => [`/base/${all.join('/')}/tail`, ''], isList: true },
  '{v} of a list': {
    url: '/base/{v}/tail{?n}',
    sent: (all) => [`/base/${all.join(',')}/tail`, ''],
    isList: true,
  },
  '{?v*}': {
    url: '/base/tail{?n,v*}',
    sent: (all) => ['/base/tail', all.map((v) => `v=${v}`).join('&')],
    isList: true,
  },
  '{?v} of a list': {
    url: '/base/tail{?n,v}',
    sent: (all) => ['/base/tail', `v=${all.join(',')}`],
    isList: true,
  },
};
const NAMES = Object.keys(OPERATORS);

describe('a value from a client', () => {
  let shop: RecordingServer;
  let gateway: TestGateway;

  beforeAll(async () => {
    shop = await recordingServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const composites = NAMES.map((name, at) => [
      `c${at}`,
      {
        post: `/c${at}`,
        params: { n: { type: 'integer' } },
        bodySchema: true,
        parts: { it: { upstream: 'shop', get: OPERATORS[name]?.url, values: { v: 'body.v' } } },
      },
    ]);
    gateway = await serveComposites({
      upstreams: { shop: { url: shop.origin, circuitBreaker: { mode: 'disabled' } } },
      composites: Object.fromEntries(composites) as Record<string, object>,
    });
  });

  afterAll(async () => {
    await gateway.stop();
    await shop.close();
  });

  it(`stays what it is whatever operator it stands with, or is a 400 (${VALUES} values)`, async () => {
    const random = seededRandom(SEED);
    const tried = Array.from({ length: VALUES }, (_, at) => {
      const name = NAMES[at % NAMES.length] ?? '';
      const values = Array.from({ length: OPERATORS[name]?.isList === true ? 1 + below(random, 3) : 1 }, () =>
        valueOf(random),
      );
      return { at, name, values };
    });
    const refused = new Map<number, number>();
    for (let from = 0; from < VALUES; from += AT_ONCE) {
      await Promise.all(
        tried.slice(from, from + AT_ONCE).map(async ({ at, name, values }) => {
          const body = JSON.stringify({ v: OPERATORS[name]?.isList === true ? values : values[0] });
          const headers = { 'content-type': 'application/json' };
          const path = `/c${NAMES.indexOf(name)}?n=${at}`;
          const { status } = await gateway.ask(path, { method: 'POST', headers, body });
          if (status !== 200) refused.set(at, status);
        }),
      );
    }

    const seenBy = new Map(shop.seen.map((seen) => [numberIn(seen), seen] as const));
    expect(seenBy.size).toBe(shop.seen.length);
    const arrived = new Set<string>();
    for (const { at, name, values } of tried) {
      const seen = seenBy.get(at);
      if (seen === undefined) {
        expect([name, values, refused.get(at)]).toEqual([name, values, 400]);
        expect([name, values, isHarmless(name, values)]).toEqual([name, values, false]);
        continue;
      }
      arrived.add(name);
      const shown = values.map((value) =>
        encoded(name === '{v:4}' ? Array.from(value).slice(0, 4).join('') : value),
      );
      const [path, query] = seen.url
        .replace(/([?&])n=\d+(&|$)/, '$1')
        .replace(/[?&]$/, '')
        .split(/\?(.*)/s);
      expect([name, values, path, query ?? '']).toEqual([
        name,
        values,
        ...(OPERATORS[name]?.sent(shown) ?? []),
      ]);
      expect(seen.headers['host']).toBe(new URL(shop.origin).host);
    }
    expect([...arrived].sort()).toEqual([...NAMES].sort());
  }, 180_000);
});

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function valueOf(random: Random): string {
  return Array.from({ length: below(random, 5) }, () => PIECES[below(random, PIECES.length)] ?? '').join('');
}

function numberIn({ url }: SeenRequest): number {
  return Number(/[?&]n=(\d+)/.exec(url)?.[1]);
}

/** Everything but RFC 3986's unreserved characters. */
function encoded(value: string): string {
  return Array.from(Buffer.from(value), (byte) => {
    const character = String.fromCharCode(byte);
    return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** What has to arrive, and be no refusal. */
function isHarmless(name: string, values: readonly string[]): boolean {
  if (values.some((value) => /[\ud800-\udfff]/u.test(value))) return false;
  return name.includes('?') || name.includes('&') || values.every((value) => /^[^./\\%;]+$/.test(value));
}
