import { Readable } from 'node:stream';
import { type Clock } from '../resilience/clock.js';
import { type Transition } from './console-state.js';
import { type TransitionFeed } from './transition-feed.js';

/** How long a page waits before it comes back, in ms. */
const RETRY_MS = 2_000;

/** So many transitions are sent at a time, so that a client that is far behind holds no more than these. */
const TRANSITIONS_AT_A_TIME = 50;

/**
 * What one client of the console reads. It is given more only when it has taken what it was given: of states that come
 * meanwhile it gets the last one, and transitions wait in the feed. So what is held for a client that does not read is
 * one event, however long it does not.
 */
export class EventStream extends Readable {
  /** When the client has last taken something, on the clock's scale. */
  readAt: number;
  /** Whether the client has taken all it was given. */
  private wantsMore = false;
  private hasBegun = false;
  private state: string | undefined;

  /** @param lastId of the last transition the client has seen. */
  constructor(
    private readonly feed: TransitionFeed,
    private lastId: number,
    private readonly clock: Clock,
    private readonly onClose: () => void,
  ) {
    // Asks for more once nothing is left.
    super({ highWaterMark: 1 });
    this.readAt = clock.now();
  }

  /** Whether it waits for the client to read. */
  get isWaiting(): boolean {
    return !this.wantsMore;
  }

  /** @param state as an event, ready to be sent. */
  offer(state: string): void {
    this.state = state;
    this.deliver();
  }

  /** There are transitions it may not have sent yet. */
  deliver(): void {
    if (!this.wantsMore) return;
    const next = this.next();
    if (next === '') return;
    this.wantsMore = false;
    this.push(next);
  }

  /** Ends it for good; a client that does not read is not waited for. */
  end(): void {
    if (this.isWaiting) this.destroy();
    else this.push(null);
  }

  override _read(): void {
    this.wantsMore = true;
    this.readAt = this.clock.now();
    this.deliver();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.wantsMore = false;
    this.onClose();
    callback(error);
  }

  private next(): string {
    const transitions = this.feed.after(this.lastId).slice(0, TRANSITIONS_AT_A_TIME);
    this.lastId = transitions.at(-1)?.id ?? this.lastId;
    const { state = '' } = this;
    this.state = undefined;
    const beginning = this.hasBegun ? '' : `retry: ${RETRY_MS}\n\n`;
    this.hasBegun = true;
    return beginning + transitions.map(transitionEvent).join('') + state;
  }
}

export function stateEvent(json: string): string {
  return `event: state\ndata: ${json}\n\n`;
}

function transitionEvent(transition: Transition): string {
  return `id: ${transition.id}\nevent: transition\ndata: ${JSON.stringify(transition)}\n\n`;
}
