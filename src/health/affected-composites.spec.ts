import { Controller, Get, Param } from '@nestjs/common';
import { aggregate } from '../aggregation/aggregate.js';
import { ExchangeEvents } from '../aggregation/exchange-events.js';
import { optional, required } from '../aggregation/part.js';
import { eventually } from '../aggregation/testing/eventually.js';
import { TestGateway } from '../aggregation/testing/test-gateway.js';
import { CompositeModule, CompositeRoutes } from '../composite/composite.module.js';
import { parseGateway } from '../composite/config/gateway.js';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { AffectedComposites } from './affected-composites.js';

@Controller('screens')
class ScreensController {
  constructor(private readonly registry: UpstreamRegistry) {}

  @Get('named')
  named() {
    return aggregate({ user: required(this.call('users')) }, { name: 'named-screen' });
  }

  @Get(':id')
  unnamed(@Param('id') id: string) {
    return aggregate({ user: required(this.call('users')), ads: optional(this.call('ads', id)) });
  }

  private call(upstream: string, id = '') {
    return this.registry.get(upstream).send({ method: 'GET', url: `/${id}` }, ({ data }) => data);
  }
}

let server: RecordingServer;
let gateway: TestGateway;
let composites: AffectedComposites;

function written(declared: object) {
  const { origin: url } = server;
  const gateway = { upstreams: { users: { url }, ads: { url } }, composites: declared };
  return parseGateway(JSON.stringify(gateway), { env: {} });
}

const part = (upstream: string) => ({ upstream, get: '/' });

beforeEach(async () => {
  server = await recordingServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{}');
  });
  const { config, composites: plans } = written({
    profile: { get: '/profiles/{id}', parts: { user: part('users'), again: part('users') } },
    page: { get: '/page', parts: { user: part('users'), ads: part('ads') } },
  });
  gateway = await TestGateway.start({
    imports: [UpstreamModule.forRoot({ config }), CompositeModule.forRoot(plans)],
    controllers: [ScreensController],
    providers: [AffectedComposites],
  });
  composites = gateway.app.get(AffectedComposites);
});

afterEach(async () => {
  await gateway.stop();
  await server.close();
});

describe('the composites that an upstream affects', () => {
  it('are known from the plans of the gateway file before any request', () => {
    expect(composites.of('users')).toEqual([
      { name: 'profile', method: 'GET', route: '/profiles/{id}' },
      { name: 'page', method: 'GET', route: '/page' },
    ]);
    expect(composites.namesOf('ads')).toEqual(['page']);
    expect(composites.namesOf('nobody')).toEqual([]);
  });

  it('are learned from requests where they stand in code', async () => {
    await gateway.ask('/screens/7');
    await gateway.ask('/screens/8');
    await gateway.ask('/screens/named');
    await eventually(() => composites.namesOf('users').includes('named-screen'));
    expect(composites.namesOf('users')).toEqual(['profile', 'page', 'GET /screens/{id}', 'named-screen']);
    expect(composites.of('ads').at(-1)).toEqual({
      name: 'GET /screens/{id}',
      method: 'GET',
      route: '/screens/{id}',
    });
  });

  it('are those of the file that is in force, whatever still ran of the one before', async () => {
    const { composites: plans } = written({ feed: { get: '/feed', parts: { ads: part('ads') } } });
    await gateway.ask('/page');
    gateway.app.get(CompositeRoutes).replace(plans);
    await gateway.ask('/feed');
    await gateway.ask('/screens/named');
    await eventually(() => composites.namesOf('users').length > 0);
    expect(composites.namesOf('users')).toEqual(['named-screen']);
    expect(composites.namesOf('ads')).toEqual(['feed']);
  });

  it('cost requests nothing any more once there is nothing to learn', () => {
    const events = gateway.app.get(ExchangeEvents);
    const composite = {
      name: 'from-code',
      report: { complete: true, parts: [] },
      partialStatus: undefined,
      reportInBody: false,
      faults: [],
      durationMs: 1,
      outline: () => [{ part: 'ads', required: true, needs: [], upstreams: ['ads'] }],
    };
    const request = {
      requestId: 'r',
      method: 'GET',
      route: '/from-code',
      status: 200,
      clientLeft: false,
      startedAt: 0,
      durationMs: 1,
      composites: [composite],
      exchange: undefined,
    };
    for (let requests = 0; requests < 500; requests++) events.emit(request);
    expect(events.active).toBe(true);
    events.emit({ ...request, composites: [] });
    events.emit(request);
    expect(events.active).toBe(false);
    expect(composites.namesOf('ads')).toEqual(['page', 'from-code']);
    // Somebody has asked, but a moment after it was learned.
    expect(events.active).toBe(false);
  });

  it('end with the application', () => {
    const events = gateway.app.get(ExchangeEvents);
    expect(events.active).toBe(true);
    composites.onModuleDestroy();
    composites.of('users');
    expect(events.active).toBe(false);
  });
});
