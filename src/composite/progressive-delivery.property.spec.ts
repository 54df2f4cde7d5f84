import fc from 'fast-check';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { EventReader } from './testing/event-reader.js';
import { serveComposites } from './testing/serve-composites.js';

/** One part of a random composite, and how its upstream behaves. */
interface Drawn {
  readonly required: boolean;
  readonly isHidden: boolean;
  readonly isSkipped: boolean;
  readonly fails: boolean;
  readonly place: 'own' | 'group' | 'shared' | 'root';
  readonly needs: readonly number[];
  readonly delayMs: number;
  readonly joins: boolean;
}

const rarely = fc.integer({ min: 0, max: 5 }).map((n) => n === 5);

const drawn: fc.Arbitrary<Drawn> = fc.record({
  required: fc.boolean(),
  isHidden: rarely,
  isSkipped: rarely,
  fails: rarely,
  place: fc.constantFrom('own', 'group', 'shared', 'root'),
  needs: fc.array(fc.nat(7), { maxLength: 2 }),
  delayMs: fc.nat(6),
  joins: rarely,
});

let shop: RecordingServer;

beforeEach(async () => {
  shop = await recordingServer((_request, response, { url }) => {
    const { searchParams, pathname } = new URL(url, 'http://shop');
    const n = Number(pathname.slice('/part/'.length));
    const status = searchParams.get('fails') === 'true' ? 500 : 200;
    const items = [1, 2, 3].map((id) => ({ id: `${n}-${id}` }));
    const body = { n, [`own${n}`]: { n }, nested: { [`from${n}`]: items, last: n }, items };
    setTimeout(
      () => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      },
      Number(searchParams.get('delay') ?? 0),
    );
  });
});

afterEach(() => shop.close());

function written(parts: readonly Drawn[]): Record<string, object> {
  const firstShared = parts.findIndex(({ isHidden, place }) => !isHidden && place === 'shared');
  const entries = parts.flatMap((part, n): [string, object][] => {
    const { required, isHidden, isSkipped, fails, place, delayMs, joins } = part;
    const needs = n === 0 ? [] : [...new Set(part.needs.map((need) => `p${need % n}`))];
    const own = {
      upstream: 'shop',
      get: `/part/${n}?fails=${fails}&delay=${delayMs}`,
      ...(required && !fails ? { required } : { fallback: { [`own${n}`]: null } }),
      needs,
      ...(isSkipped ? { when: 'params.on' } : {}),
      ...(isHidden ? { hidden: true } : PLACES[place](n)),
      ...(place === 'shared' && n !== firstShared && !isHidden ? { merge: 'deep' } : {}),
    };
    const join = {
      upstream: 'shop',
      get: `/part/${n}?key={key}&delay=${delayMs}`,
      select: 'nested.last',
      forEach: { items: `p${n}.items`, key: 'id', stitch: 'joined' },
    };
    return joins && !isHidden && place !== 'root'
      ? [
          [`p${n}`, own],
          [`j${n}`, join],
        ]
      : [[`p${n}`, own]];
  });
  // What is hidden must be of use to somebody.
  const end = {
    upstream: 'shop',
    get: '/part/99',
    when: `[params.on, ${entries.map(([name]) => name).join()}]`,
  };
  return Object.fromEntries([...entries, ['end', end]]);
}

const PLACES: Readonly<Record<Drawn['place'], (n: number) => object>> = {
  own: () => ({ omit: ['nested.last'] }),
  group: (n) => ({ as: `group.of.p${n}` }),
  shared: (n) => ({ as: `all`, rename: { items: `items${n}` } }),
  root: (n) => ({ flatten: true, pick: [`own${n}`] }),
};

it('brings, in whatever order, what ends up as the document', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { minLength: 1, maxLength: 7 }), async (parts) => {
      const gateway = await serveComposites({
        upstreams: {
          shop: { url: shop.origin, retry: { maxAttempts: 1 }, circuitBreaker: { mode: 'disabled' } },
        },
        composites: { page: { get: '/page', deadline: '10s', params: { on: {} }, parts: written(parts) } },
      });
      try {
        const document = await gateway.ask('/page');
        const headers = { accept: 'application/x-ndjson' };
        const reader = await EventReader.open(gateway.port, '/page', { headers });
        const events = await reader.toTheEnd();
        expect(document.status).toBe(200);
        expect(reader.document).toEqual(JSON.parse(document.text));
        expect([...reader.parts].sort()).toEqual(Object.keys(written(parts)).sort());
        expect(events.at(-1)?.event).toBe('report');
      } finally {
        await gateway.stop();
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
