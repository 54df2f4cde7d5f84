import { Subject } from 'rxjs';
import { type ConfigurationChange } from '../health/configuration-state.js';
import { type HealthChange } from '../health/health-log.js';
import { type AdmissionTransition } from '../resilience/admission.js';
import { UpstreamEvents } from '../upstream/upstream-events.js';
import { GatewayTransitions } from './gateway-transitions.js';
import { TransitionFeed } from './transition-feed.js';
import { type WatchedGateway } from './watched-gateway.js';

class World {
  readonly events = new UpstreamEvents((error) => {
    throw error;
  });
  readonly health = new Subject<HealthChange>();
  readonly admission = new Subject<AdmissionTransition>();
  readonly configuration = new Subject<ConfigurationChange>();
  readonly feed = new TransitionFeed(() => 0);
  readonly transitions: GatewayTransitions;

  constructor() {
    const gateway = {
      registry: { events: this.events, find: () => undefined },
      healthLog: { changes: this.health },
      admission: { transitions: this.admission },
      configuration: { changes: this.configuration },
    };
    this.transitions = new GatewayTransitions(gateway as unknown as WatchedGateway, this.feed);
  }

  get told() {
    return this.feed.after(0).map(({ severity, kind, upstream, text }) => [severity, kind, upstream, text]);
  }
}

let world: World;

beforeEach(() => {
  world = new World();
});

describe('what happens to the gateway, in sentences', () => {
  it('tells of upstreams that are down, and back', () => {
    const about = { upstream: 'orders', change: 'down', reason: 'probe failed: connect' } as const;
    world.health.next({ ...about, critical: false });
    world.health.next({ upstream: 'orders', change: 'back', afterMs: 12_340 });
    world.health.next({ ...about, critical: true });
    expect(world.told).toEqual([
      ['bad', 'health', 'orders', 'orders is down: probe failed: connect'],
      ['good', 'health', 'orders', 'orders is back after 12.3 s'],
      ['bad', 'health', 'orders', 'orders is down: probe failed: connect; the gateway is not ready'],
    ]);
  });

  it('tells of requests that are refused at the door', () => {
    world.admission.next({ shedding: true, because: 'in-flight' });
    world.admission.next({ shedding: false, refused: 123 });
    world.admission.next({ shedding: true, because: 'loop-delay' });
    world.admission.next({ shedding: false, refused: 1 });
    expect(world.told).toEqual([
      ['bad', 'admission', null, 'requests are refused: too many are being answered'],
      ['good', 'admission', null, 'requests are no longer refused; 123 were'],
      ['bad', 'admission', null, 'requests are refused: the event loop is late'],
      ['good', 'admission', null, 'requests are no longer refused; 1 was'],
    ]);
  });

  it('tells of configurations, with the places of mistakes and nothing of what stands there', () => {
    const problems = [
      'gateway.yaml:3:5 upstreams.a.url',
      'gateway.yaml:9:1 composites',
      'gateway.yaml:9:4 b',
    ];
    world.configuration.next({ outcome: 'replaced', generation: 2, changes: 'upstream a: retry' });
    world.configuration.next({ outcome: 'refused', problems });
    world.configuration.next({ outcome: 'refused', problems: problems.slice(0, 2) });
    world.configuration.next({ outcome: 'refused', problems: problems.slice(0, 1) });
    world.configuration.next({ outcome: 'refused', problems: [] });
    world.configuration.next({ outcome: 'recovered' });
    const refused = (where: string) => [
      'warning',
      'configuration',
      null,
      `a new configuration was refused${where}; the one before stays`,
    ];
    expect(world.told).toEqual([
      ['info', 'configuration', null, 'configuration 2 taken over: upstream a: retry'],
      refused(' at gateway.yaml:3:5 upstreams.a.url and 2 more places'),
      refused(' at gateway.yaml:3:5 upstreams.a.url and 1 more place'),
      refused(' at gateway.yaml:3:5 upstreams.a.url'),
      refused(''),
      ['good', 'configuration', null, 'the file says again what is in force'],
    ]);
  });

  it('tells of upstreams’ events', () => {
    world.events.emit({ type: 'ejection', upstream: 'a', origin: 'http://b', change: 'returned' });
    expect(world.told).toEqual([['good', 'endpoint', 'a', 'endpoint http://b of a is back']]);
  });

  it('listens to nothing any more once it has ended', () => {
    world.transitions.onModuleDestroy();
    expect(world.events.active).toBe(false);
    expect([world.health, world.admission, world.configuration].some(({ observed }) => observed)).toBe(false);
  });
});
