import { Writable } from 'node:stream';
import { Logger } from '@nestjs/common';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { serverSentEvents } from '../composite/testing/event-reader.js';
import { ConsoleEvents, MAX_CLIENTS } from './console-events.js';
import { type ConsoleSnapshot } from './console-snapshot.js';
import { TransitionFeed } from './transition-feed.js';
import { type WatchedGateway } from './watched-gateway.js';

/** Takes what is written to it, and asks for more only when it is told to. */
class Client extends Writable {
  received = '';
  private goOn: (() => void) | undefined;

  constructor(private readonly reads = true) {
    super({ highWaterMark: 16 * 1024 });
  }

  get events() {
    return serverSentEvents(this.received);
  }

  read(): void {
    this.goOn?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.received += chunk.toString();
    if (this.reads) done();
    else this.goOn = done;
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly feed = new TransitionFeed(() => 0);
  readonly snapshots: number[] = [];
  /** What makes a state large. */
  filling = '';
  isMeasured = false;
  readonly events: ConsoleEvents;

  constructor() {
    const snapshot = {
      take: () => {
        this.snapshots.push(this.clock.now());
        return { at: this.clock.now(), filling: this.filling };
      },
      begin: () => (this.isMeasured = true),
      end: () => (this.isMeasured = false),
    };
    this.events = new ConsoleEvents(
      { clock: this.clock } as unknown as WatchedGateway,
      snapshot as unknown as ConsoleSnapshot,
      this.feed,
    );
    this.events.onApplicationBootstrap();
  }

  open(lastId = 0, client = new Client()) {
    const stream = this.events.open(lastId);
    if (stream === undefined) throw new Error('there is no room');
    stream.on('error', () => undefined).pipe(client);
    return { stream, client };
  }

  happens(text: string): void {
    this.feed.add({ severity: 'info', kind: 'operator', upstream: null, text });
  }

  async passes(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }
}

/** Streams hand on in ticks. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

let world: World;

beforeEach(() => {
  world = new World();
});

describe('the events of the console', () => {
  it('begin with how long to wait before coming back, what has happened, and the state', async () => {
    world.happens('a');
    const { client } = world.open();
    await settled();
    expect(client.received.startsWith('retry: 2000\n\nid: 1\nevent: transition\n')).toBe(true);
    expect(client.events.map(({ event }) => event)).toEqual(['transition', 'state']);
  });

  it('bring the state each second, made once for all', async () => {
    const clients = [world.open().client, world.open().client];
    await settled();
    await world.passes(1_000);
    await world.passes(1_000);
    expect(world.snapshots).toEqual([0, 1_000, 2_000]);
    for (const client of clients) {
      expect(client.events.map(({ data }) => data['at'])).toEqual([0, 1_000, 2_000]);
    }
  });

  it('bring transitions as they happen, and to whoever comes back those missed only', async () => {
    const { client } = world.open();
    await settled();
    world.happens('a');
    world.happens('b');
    await settled();
    expect(client.events.map(({ data }) => data['text'])).toEqual([undefined, 'a', 'b']);
    const again = world.open(1).client;
    await settled();
    expect(again.events.map(({ event, data }) => data['text'] ?? event)).toEqual(['b', 'state']);
  });

  it('cost nothing while nobody looks', async () => {
    await world.passes(10_000);
    const { stream } = world.open();
    expect(world.isMeasured).toBe(true);
    stream.destroy();
    await world.passes(10_000);
    expect(world.snapshots).toEqual([10_000]);
    expect(world.clock.pendingTimers).toBe(0);
    expect(world.isMeasured).toBe(false);
  });

  it('have room for so many clients, and again once one has left', () => {
    const streams = Array.from({ length: MAX_CLIENTS }, () => world.open().stream);
    expect(world.events.open(0)).toBeUndefined();
    streams[0]?.destroy();
    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      expect(world.events.open(0)).toBeDefined();
    });
  });

  it('go on when a state cannot be made', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const { client } = world.open();
    await settled();
    world.filling = 1n as unknown as string;
    await world.passes(1_000);
    world.filling = '';
    await world.passes(1_000);
    expect(client.events.map(({ data }) => data['at'])).toEqual([0, 2_000]);
    expect(error).toHaveBeenCalledTimes(1);
    error.mockRestore();
  });
});

describe('a client that does not read', () => {
  it('misses states, and no transition', async () => {
    world.filling = 'x'.repeat(20_000);
    const { client } = world.open(0, new Client(false));
    await settled();
    for (let second = 1; second <= 20; second++) {
      world.happens(`${second}`);
      await world.passes(1_000);
    }
    while (client.writableLength > 0) {
      client.read();
      await settled();
    }
    const texts = client.events.filter(({ event }) => event === 'transition').map(({ data }) => data['text']);
    expect(texts).toEqual(Array.from({ length: 20 }, (_, at) => `${at + 1}`));
    expect(client.events.at(-1)).toMatchObject({ event: 'state', data: { at: 20_000 } });
    expect(client.events.filter(({ event }) => event === 'state').length).toBeLessThan(5);
  });

  it('is given no more than a few events to keep, and is let go after half a minute', async () => {
    world.filling = 'x'.repeat(100_000);
    const { stream, client } = world.open(0, new Client(false));
    await settled();
    for (let second = 1; second <= 29; second++) {
      world.happens('again');
      await world.passes(1_000);
    }
    expect(client.writableLength + stream.readableLength).toBeLessThan(350_000);
    expect(stream.destroyed).toBe(false);
    await world.passes(2_000);
    expect(stream.destroyed).toBe(true);
  });

  it('is not waited for when the gateway ends', async () => {
    const reading = world.open();
    const idle = world.open(0, new Client(false));
    await settled();
    await world.passes(2_000);
    world.events.onModuleDestroy();
    await settled();
    expect(reading.client.writableFinished).toBe(true);
    expect(idle.stream.destroyed).toBe(true);
    expect(world.clock.pendingTimers).toBe(0);
    expect(world.events.open(0)).toBeUndefined();
  });
});
