import { connect } from 'node:net';
import { Controller, Get, Logger, Param } from '@nestjs/common';
import { NEVER, of, throwError } from 'rxjs';
import { aggregate, thenAlso } from './aggregate.js';
import { AggregationModule } from './aggregation.module.js';
import { ExchangeEvents, type ExchangeEvent } from './exchange-events.js';
import { optional, required } from './part.js';
import { eventually } from './testing/eventually.js';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { gatewayServerOptions } from './server-options.js';
import { recordingServer, type RecordingServer } from '../http/testing/recording-server.js';

@Controller('screens')
class ScreensController {
  constructor(private readonly registry: UpstreamRegistry) {}

  @Get('hanging')
  hanging() {
    return aggregate({ slow: required(NEVER) });
  }

  @Get(':id')
  screen(@Param('id') id: string) {
    const user = this.registry.get('users').send({ method: 'GET', url: `/${id}` }, ({ data }) => data);
    return aggregate(
      { user: required(user), ads: optional(throwError(() => new Error('no'))) },
      { name: 'screen' },
    ).pipe(thenAlso(['user'], () => ({ posts: optional(of([])) })));
  }
}

let users: RecordingServer;
let app: NestFastifyApplication;
let events: ExchangeEvent[];
let base: string;

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
  users = await recordingServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{}');
  });
  const config = parseGatewayConfig(
    `server: { admission: { maxInFlight: 1, defaultSharePercent: 100, maxLoopDelayMs: null } }
upstreams: { users: { url: '${users.origin}' } }`,
  );
  const module = await Test.createTestingModule({
    imports: [UpstreamModule.forRoot({ config }), AggregationModule],
    controllers: [ScreensController],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(gatewayServerOptions()), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  base = await app.getUrl();
  events = [];
  app.get(ExchangeEvents).subscribe((event) => events.push(event));
});

afterEach(async () => {
  await app.close();
  await users.close();
  jest.restoreAllMocks();
});

/** The event of a request, once it has come. */
async function told(): Promise<ExchangeEvent> {
  await eventually(() => events.length > 0);
  expect(events).toHaveLength(1);
  return events[0]!;
}

describe('an exchange event', () => {
  it('tells of a composite: its name, its report, and what its parts waited for and called', async () => {
    await (await fetch(`${base}/screens/7?x=1`, { headers: { 'x-request-id': 'r-1' } })).text();
    const event = await told();
    expect(event).toMatchObject({
      requestId: 'r-1',
      method: 'GET',
      route: '/screens/{id}',
      status: 200,
      clientLeft: false,
    });
    expect(Math.abs(Date.now() - event.startedAt)).toBeLessThan(60_000);
    const [composite] = event.composites;
    expect(composite).toMatchObject({
      name: 'screen',
      report: { complete: false },
      faults: [{ part: 'ads' }],
    });
    expect(composite?.durationMs).toBeLessThanOrEqual(event.durationMs);
    expect(composite?.outline()).toEqual([
      { part: 'user', required: true, needs: [], upstreams: ['users'] },
      { part: 'ads', required: false, needs: [], upstreams: [] },
      { part: 'posts', required: false, needs: ['user'], upstreams: [] },
    ]);
  });

  it('tells of what fits no route', async () => {
    await (await fetch(`${base}/nothing/here`)).text();
    expect(await told()).toMatchObject({ route: undefined, status: 404, composites: [] });
  });

  it('tells of a client that left, and of what it did not wait for', async () => {
    const client = connect(Number(new URL(base).port), '127.0.0.1');
    client.write('GET /screens/hanging HTTP/1.1\r\nhost: gateway\r\n\r\n');

    // Refused while the other one is in: then that has been admitted.
    let status: number;
    do {
      const response = await fetch(`${base}/screens/7`);
      await response.text();
      ({ status } = response);
    } while (status !== 503);
    await eventually(() => events.at(-1)?.status === 503);
    expect(events.at(-1)).toMatchObject({ route: '/screens/{id}', exchange: undefined, composites: [] });
    events.length = 0;
    client.destroy();
    expect(await told()).toMatchObject({
      route: '/screens/hanging',
      status: undefined,
      clientLeft: true,
      composites: [{ name: 'GET /screens/hanging', report: { complete: false } }],
    });
  });

  it('harms nobody by a listener that throws', async () => {
    app.get(ExchangeEvents).subscribe(() => {
      throw new Error('broken');
    });
    const later: ExchangeEvent[] = [];
    app.get(ExchangeEvents).subscribe((event) => later.push(event));
    await (await fetch(`${base}/screens/7`)).text();
    await told();
    expect(later).toHaveLength(1);
  });
});

it('names a composite as its code does, and refuses a name that could not stand in a metric', () => {
  expect(() => aggregate({}, { name: 'a b' })).toThrow(
    "the composite name 'a b' must be a letter followed by letters, digits, '_' or '-'",
  );
});
