import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Readable } from 'node:stream';
import { Subscription } from 'rxjs';
import { type Timer } from '../resilience/clock.js';
import { ConsoleSnapshot } from './console-snapshot.js';
import { EventStream, stateEvent } from './event-stream.js';
import { TransitionFeed } from './transition-feed.js';
import { WatchedGateway } from './watched-gateway.js';

/** A page a client; those who come on top of these are sent away. */
export const MAX_CLIENTS = 50;

const STATE_EVERY_MS = 1_000;

/** A client that has taken nothing for so long, in ms, is let go. */
const PATIENCE_MS = 30_000;

/**
 * Sends what the console shows to whoever has it open. One snapshot a second for all of them, made and written out once,
 * and none while there is nobody.
 */
@Injectable()
export class ConsoleEvents implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Console');
  private readonly clients = new Set<EventStream>();
  private readonly subscription = new Subscription();
  private latest: string | undefined;
  private timer: Timer;
  private isOver = false;

  constructor(
    private readonly gateway: WatchedGateway,
    private readonly snapshot: ConsoleSnapshot,
    private readonly feed: TransitionFeed,
  ) {}

  onApplicationBootstrap(): void {
    this.subscription.add(
      this.feed.transitions.subscribe(() => {
        for (const client of this.clients) client.deliver();
      }),
    );
  }

  /** Whoever reads would keep the server from closing. */
  onModuleDestroy(): void {
    this.isOver = true;
    this.subscription.unsubscribe();
    for (const client of [...this.clients]) client.end();
  }

  /**
   * The events for one more client: those transitions it has not seen, the state at once, and whatever comes. Undefined
   * where there are too many already.
   *
   * @param lastId of the last transition it has seen; 0 for none.
   */
  open(lastId: number): Readable | undefined {
    if (this.clients.size >= MAX_CLIENTS || this.isOver) return undefined;
    const client = new EventStream(this.feed, lastId, this.gateway.clock, () => {
      this.leave(client);
    });
    this.clients.add(client);
    if (this.clients.size === 1) {
      this.snapshot.begin();
      this.wait();
    }
    client.offer((this.latest ??= this.state()));
    return client;
  }

  private leave(client: EventStream): void {
    if (!this.clients.delete(client) || this.clients.size > 0) return;
    this.gateway.clock.clearTimeout(this.timer);
    this.latest = undefined;
    this.snapshot.end();
  }

  private wait(): void {
    this.timer = this.gateway.clock.setTimeout(tick, STATE_EVERY_MS, this);
  }

  /** @internal */
  tick(): void {
    this.wait();
    const now = this.gateway.clock.now();
    const state = (this.latest = this.state());
    for (const client of [...this.clients]) {
      if (client.isWaiting && now - client.readAt >= PATIENCE_MS) client.destroy();
      else client.offer(state);
    }
  }

  private state(): string {
    try {
      return stateEvent(JSON.stringify(this.snapshot.take()));
    } catch (error) {
      this.logger.error('the state could not be read', error);
      // A comment: the connection lives, and the page shows how old what it has is.
      return ': no state\n\n';
    }
  }
}

function tick(events: ConsoleEvents): void {
  events.tick();
}
