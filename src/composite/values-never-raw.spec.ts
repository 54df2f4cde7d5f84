import { type Ask, type TestGateway } from '../aggregation/testing/test-gateway.js';
import { type RecordingServer, recordingServer, type SeenRequest } from '../http/testing/recording-server.js';
import { type Random, seededRandom } from '../resilience/random.js';
import { serveComposites } from './testing/serve-composites.js';

/** Values that are tried, each at one of the places. */
const VALUES = 10_000;
/** Requests at once. */
const AT_ONCE = 20;
const SEED = 4;

/** What has led gateways astray. */
const PIECES: readonly string[] = [
  ...['/', '//', '\\', '.', '..', '../', '..;/', ';', ':', '@', '?', '#', '&', '=', ',', '+', '%', '%%', ' '],
  ...['%2e', '%2E%2e', '%2f', '%252f', '%5c', '%00', '%0d%0a', '%c0%ae', '%ff', '%u002e', '%23', '%3F'],
  ...['\r\n', '\n', '\r', '\t', '\0', '\x7f', '\u0085', '\u2028', '\ufeff', '\u00ad', '\u202e'],
  ...[
    '{',
    '}',
    '{+v}',
    '{?v}',
    '${v}',
    '$ref',
    '*',
    '[',
    ']',
    '(',
    ')',
    '!',
    "'",
    '"',
    '`',
    '|',
    '^',
    '~',
    '<',
    '>',
  ],
  ...[
    'http://evil.test/',
    '//evil.test',
    '@evil.test',
    'evil.test:80',
    'x-evil: 1',
    'Host: evil.test',
    '; evil=1',
  ],
  ...['é', 'ÿ', '€', '😀', '字', 'ß', '․', '／', '．', '％', '\u0301', '\ud800', '\udc00', '\udbff\udfff'],
  ...['__proto__', 'constructor', 'null', 'undefined', 'NaN', '1e3', '-0', 'true', 'a', 'Z', '9', '_', '-'],
];

type Place =
  'path' | 'query' | 'header' | 'body' | 'deep' | 'forwardedQuery' | 'forwardedCookie' | 'forwardedHeader';
const PLACES: readonly Place[] = [
  'path',
  'query',
  'header',
  'body',
  'deep',
  'forwardedQuery',
  'forwardedCookie',
  'forwardedHeader',
];

type Values = Readonly<Record<Place, string>>;

/** Where a value is refused, it would take those of the other places with it: this one stands there instead. */
const HARMLESS = 'a';

/** Client, gateway and upstream share a process: where it stalls, they must wait for each other. */
const PATIENT = {
  circuitBreaker: { mode: 'disabled' },
  deadlineMs: 60_000,
  attemptTimeoutMs: 60_000,
  connectTimeoutMs: 60_000,
  retry: { maxAttempts: 1 },
  bulkhead: { maxQueueWaitMs: 30_000 },
};

const n = { n: { type: 'integer' } };
const get = (more: object): object => ({ upstream: 'shop', get: '/base/tail{?n}', ...more });
const takesBody = { bodySchema: { type: 'object', required: ['v'] } };

const COMPOSITES = {
  all: {
    post: '/all/{p}',
    params: { ...n, p: {}, q: {} },
    ...takesBody,
    forward: { query: ['v'], cookies: ['v'], headers: ['x-v'] },
    parts: {
      it: {
        upstream: 'shop',
        post: '/all/{p}/{d}/tail{?n,q}',
        values: { d: 'body.d' },
        headers: { 'x-h': 'body.h' },
        body: { v: 'body.v' },
      },
    },
  },
  path: { get: '/path/{v}', params: n, parts: { it: get({ get: '/base/{v}/tail{?n}' }) } },
  query: { get: '/query', params: { ...n, v: {} }, parts: { it: get({ get: '/base/tail{?n,v}' }) } },
  header: { post: '/header', params: n, ...takesBody, parts: { it: get({ headers: { 'x-v': 'body.v' } }) } },
  body: {
    post: '/body',
    params: n,
    ...takesBody,
    parts: { it: get({ get: undefined, post: '/base/tail{?n}', body: { v: 'body.v' } }) },
  },
  deep: {
    post: '/deep',
    params: n,
    ...takesBody,
    parts: { it: get({ get: '/base/{v}/tail{?n}', values: { v: 'body.v' } }) },
  },
  forwardedQuery: { get: '/forwardedQuery', params: n, forward: { query: ['v'] }, parts: { it: get({}) } },
  forwardedCookie: {
    get: '/forwardedCookie',
    params: n,
    forward: { cookies: ['v'] },
    parts: { it: get({}) },
  },
  forwardedHeader: {
    get: '/forwardedHeader',
    params: n,
    forward: { headers: ['x-v'] },
    parts: { it: get({}) },
  },
};

/** The headers that a value at a place brings with it. */
const NAMES: Partial<Record<Place, readonly string[]>> = {
  header: ['x-v'],
  forwardedHeader: ['x-v'],
  forwardedCookie: ['cookie'],
  body: ['content-length', 'content-type'],
};

/** What a client can send as the value of a header: Node refuses to write, and to read, anything else. */
const HEADER_TEXT = /^[\x21-\x7e\xa1-\xff](?:[\t\x20-\x7e\xa1-\xff]*[\x21-\x7e\xa1-\xff])?$/;

describe('a value from a client', () => {
  let shop: RecordingServer;
  let gateway: TestGateway;
  let usual: ReadonlySet<string>;
  const arrived = new Map<Place, number>();

  beforeAll(async () => {
    shop = await recordingServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const composites = Object.entries(COMPOSITES).map(([name, composite]) => [
      name,
      { deadline: '60s', ...composite },
    ]);
    gateway = await serveComposites({
      upstreams: { shop: { url: shop.origin, ...PATIENT } },
      composites: Object.fromEntries(composites) as Record<string, object>,
    });
    await gateway.ask('/forwardedQuery?n=0');
    usual = new Set(Object.keys(shop.seen[0]?.headers ?? {}));
    shop.seen.length = 0;
  });

  afterAll(async () => {
    await gateway.stop();
    await shop.close();
  });

  it(`never changes host, path depth, headers or parameters, at any place (${VALUES} values)`, async () => {
    const random = seededRandom(SEED);
    const rounds = Array.from({ length: VALUES / PLACES.length }, (_, at) => ({
      at,
      values: Object.fromEntries(PLACES.map((place) => [place, valueFor(place, random)])) as Values,
    }));
    for (let from = 0; from < rounds.length; from += AT_ONCE) {
      await Promise.all(rounds.slice(from, from + AT_ONCE).map(({ at, values }) => tried(at, values)));
    }
    for (const place of PLACES) expect([place, arrived.get(place)]).toEqual([place, expect.any(Number)]);
    // Nothing has arrived that was not looked at.
    expect(shop.seen).toEqual([]);
  }, 240_000);

  /** Sends a value to each place: together those that have to arrive, the others one by one. */
  async function tried(at: number, values: Values): Promise<void> {
    const sound = PLACES.filter((place) => isDeliverable(place, values[place]));
    const together = { ...values };
    for (const place of PLACES) if (!sound.includes(place)) together[place] = HARMLESS;
    expect([together, await refusal(requestOfAll(at, together))]).toEqual([together, undefined]);
    const seen = taken('all', at);
    expect([together, seen && outlineOf(seen)]).toEqual([together, OUTLINE_OF_ALL]);
    if (seen !== undefined) expect(valuesIn(seen)).toEqual(together);
    for (const place of sound) arrived.set(place, (arrived.get(place) ?? 0) + 1);
    for (const [nth, place] of PLACES.entries()) {
      if (!sound.includes(place)) await triedAlone(at * PLACES.length + nth, place, values[place]);
    }
  }

  /** It may be refused, and where it is not, it arrives as what it is. */
  async function triedAlone(at: number, place: Place, value: string): Promise<void> {
    const refused = await refusal(requestFor(at, place, value));
    const seen = taken('base', at);
    if (seen === undefined) {
      // 404: a path in which there is nothing, or a segment of more than 256 characters.
      const clear = place === 'path' ? /^4(?:00|04|14)$/ : /^400$/;
      expect([value, refused]).toEqual([value, expect.stringMatching(clear)]);
    } else {
      expect([value, outlineOf(seen)]).toEqual([value, outlineFor(place)]);
      expect(valueIn(place, seen)).toBe(value);
    }
  }

  /** Why a request has come to nothing; undefined if it has not. */
  async function refusal(request: readonly [path: string, options: Ask]): Promise<string | undefined> {
    const { status, headers } = await gateway.ask(...request);
    const parts = headers['composite-parts'] ?? '';
    if (status !== 200) return String(status);
    return parts.startsWith('it;state=ok') ? undefined : parts.replace(/;dur=\d+/, '');
  }

  /** What the upstream has seen of a request; at most once. */
  function taken(start: string, at: number): SeenRequest | undefined {
    const found = shop.seen.filter((seen) => seen.url.startsWith(`/${start}/`) && numberOf(seen) === at);
    expect(found.length).toBeLessThanOrEqual(1);
    const [seen] = found;
    if (seen !== undefined) shop.seen.splice(shop.seen.indexOf(seen), 1);
    return seen;
  }

  /** All of a request that no value may change. */
  function outlineOf({ method, url, headers }: SeenRequest): object {
    const [path = '', query = ''] = url.split(/\?(.*)/s);
    const names = Object.keys(headers).filter((name) => !usual.has(name));
    return {
      method,
      isOurs: headers['host'] === new URL(shop.origin).host,
      depth: path.split('/').length,
      around: [path.split('/')[1], path.split('/').at(-1)],
      parameters: query.split('&').map((pair) => pair.split('=')[0]),
      equals: query.split('&').map((pair) => pair.split('=').length),
      names: names.sort(),
      hash: url.includes('#'),
    };
  }

  function outlineFor(place: Place): object {
    const inPath = place === 'path' || place === 'deep';
    const inQuery = place === 'query' || place === 'forwardedQuery';
    return {
      method: place === 'body' ? 'POST' : 'GET',
      isOurs: true,
      depth: inPath ? 4 : 3,
      around: ['base', 'tail'],
      parameters: inQuery ? ['n', 'v'] : ['n'],
      equals: inQuery ? [2, 2] : [2],
      names: NAMES[place] ?? [],
      hash: false,
    };
  }
});

const OUTLINE_OF_ALL = {
  method: 'POST',
  isOurs: true,
  depth: 5,
  around: ['all', 'tail'],
  parameters: ['n', 'q', 'v'],
  equals: [2, 2, 2],
  names: ['content-length', 'content-type', 'cookie', 'x-h', 'x-v'],
  hash: false,
};

function valueFor(place: Place, random: Random): string {
  for (;;) {
    const below = (limit: number): number => Math.floor(random() * limit);
    const piece = (): string => PIECES[below(PIECES.length)] ?? '';
    const value =
      below(40) === 0 ? piece().repeat(below(300)) : Array.from({ length: below(5) }, piece).join('');
    const isField = place === 'forwardedHeader' || place === 'forwardedCookie';
    if (isField && (!HEADER_TEXT.test(value) || (place === 'forwardedCookie' && value.includes(';'))))
      continue;
    return value;
  }
}

function requestOfAll(at: number, values: Values): [path: string, options: Ask] {
  const path = `/all/${encoded(values.path)}?q=${encoded(values.query)}&v=${encoded(values.forwardedQuery)}&n=${at}`;
  const headers = {
    'content-type': 'application/json',
    cookie: `v=${values.forwardedCookie}`,
    'x-v': values.forwardedHeader,
  };
  const body = JSON.stringify({ v: values.body, h: values.header, d: values.deep });
  return [path, { method: 'POST', headers, body }];
}

function requestFor(at: number, place: Place, value: string): [path: string, options: Ask] {
  const json = { 'content-type': 'application/json' };
  switch (place) {
    case 'path':
      return [`/path/${encoded(value)}?n=${at}`, {}];
    case 'query':
    case 'forwardedQuery':
      return [`/${place}?v=${encoded(value)}&n=${at}`, {}];
    case 'header':
    case 'body':
    case 'deep':
      return [`/${place}?n=${at}`, { method: 'POST', headers: json, body: JSON.stringify({ v: value }) }];
    case 'forwardedCookie':
      return [`/${place}?n=${at}`, { headers: { cookie: `v=${value}` } }];
    case 'forwardedHeader':
      return [`/${place}?n=${at}`, { headers: { 'x-v': value } }];
  }
}

/** As a browser would; half a surrogate pair as the bytes it would be. */
function encoded(value: string): string {
  return Array.from(value, (character) =>
    /^[\ud800-\udfff]$/.test(character)
      ? Buffer.from([0xed, 0xa0, 0x80]).toString('hex').replace(/../g, '%$&')
      : encodeURIComponent(character),
  ).join('');
}

/** What has to arrive, and be no refusal. */
function isDeliverable(place: Place, value: string): boolean {
  const isWellFormed = !/[\ud800-\udfff]/u.test(value);
  switch (place) {
    case 'body':
    case 'forwardedHeader':
    case 'forwardedCookie':
      return true;
    case 'query':
    case 'forwardedQuery':
      return isWellFormed;
    case 'header':
      return value === '' || HEADER_TEXT.test(value);
    case 'path':
    case 'deep':
      return isWellFormed && /^[^./\\%;]+$/.test(value) && encoded(value).length <= 256;
  }
}

function numberOf({ url }: SeenRequest): number {
  return Number(new URL(url, 'http://localhost').searchParams.get('n'));
}

/** What an upstream reads at all the places. */
function valuesIn(seen: SeenRequest): Values {
  const { url, headers } = seen;
  return {
    path: decodeURIComponent(url.split('/')[2] ?? ''),
    query: decodeURIComponent(/[?&]q=([^&]*)/.exec(url)?.[1] ?? ''),
    header: String(headers['x-h']),
    body: valueIn('body', seen) as string,
    deep: decodeURIComponent(url.split('/')[3] ?? ''),
    forwardedQuery: valueIn('forwardedQuery', seen) as string,
    forwardedCookie: valueIn('forwardedCookie', seen) as string,
    forwardedHeader: valueIn('forwardedHeader', seen) as string,
  };
}

/** What an upstream reads at the place. */
function valueIn(place: Place, { url, headers, body }: SeenRequest): unknown {
  switch (place) {
    case 'path':
    case 'deep':
      return decodeURIComponent(url.split('/')[2] ?? '');
    case 'query':
    case 'forwardedQuery':
      return decodeURIComponent(/[?&]v=([^&]*)/.exec(url)?.[1] ?? '');
    case 'header':
    case 'forwardedHeader':
      return headers['x-v'];
    case 'forwardedCookie':
      return headers['cookie']?.slice(2);
    case 'body':
      return (JSON.parse(body) as { v: unknown }).v;
  }
}
