import { type ConsoleState, type Transition } from '../console-state.js';

/** How the page stands with the gateway. Moments are the browser's, in ms since the epoch. */
export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Connected, but nothing comes. */
  | { readonly kind: 'silent'; readonly since: number }
  | { readonly kind: 'reconnecting'; readonly since: number };

export interface StreamListener {
  state(state: ConsoleState): void;
  transition(transition: Transition): void;
  /** Also each second while it is not live, since what is shown of it moves on. */
  connection(connection: Connection): void;
}

/** What of an EventSource is used. */
export type EventStream = Pick<EventSource, 'addEventListener' | 'close'>;

/** A state comes each second; after this time without one, what is shown is marked as old. */
const SILENT_AFTER_MS = 3_000;
/** A connection that has been cut on the way says nothing of it: after this time a new one is made. */
const GIVEN_UP_AFTER_MS = 10_000;
const CHECK_EVERY_MS = 1_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/**
 * The stream of states and transitions, for as long as the page is open. An EventSource comes back by itself only from
 * some failures, always after the same time, and never from an answer such as 503; here each way it can end leads to a
 * new one, after a delay that doubles. The gateway tells the past anew each time.
 */
export class ConsoleStream {
  private stream: EventStream | undefined;
  private connection: Connection = { kind: 'connecting' };
  private heardAt = Date.now();
  private failures = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly check: ReturnType<typeof setInterval>;

  constructor(
    private readonly open: () => EventStream,
    private readonly listener: StreamListener,
    private readonly random: () => number = Math.random,
  ) {
    this.check = setInterval(() => {
      this.watch();
    }, CHECK_EVERY_MS);
    this.connect();
  }

  /** The tab is looked at again, or the network is back: whoever looks does not want to wait. */
  wake(): void {
    if (this.retry !== undefined || Date.now() - this.heardAt > SILENT_AFTER_MS) this.connect();
  }

  end(): void {
    clearInterval(this.check);
    clearTimeout(this.retry);
    this.stream?.close();
    this.stream = undefined;
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.stream?.close();
    const stream = this.open();
    this.stream = stream;
    const startedAt = Date.now();
    this.heardAt = Math.max(this.heardAt, startedAt - SILENT_AFTER_MS);
    stream.addEventListener('state', (event) => {
      if (this.stream !== stream) return;
      this.failures = 0;
      this.heardAt = Date.now();
      this.listener.state(dataOf(event) as ConsoleState);
      this.turn({ kind: 'live' });
    });
    stream.addEventListener('transition', (event) => {
      if (this.stream === stream) this.listener.transition(dataOf(event) as Transition);
    });
    stream.addEventListener('error', () => {
      if (this.stream === stream) this.lost();
    });
  }

  private lost(): void {
    this.stream?.close();
    this.stream = undefined;
    if (this.connection.kind !== 'reconnecting')
      this.turn({
        kind: 'reconnecting',
        since: this.connection.kind === 'silent' ? this.connection.since : Date.now(),
      });
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures++);
    // All pages lose a gateway that is restarted at once; they need not come back at once.
    this.retry = setTimeout(
      () => {
        this.connect();
      },
      delay * (0.5 + this.random() / 2),
    );
  }

  private watch(): void {
    const silentMs = Date.now() - this.heardAt;
    if (this.connection.kind === 'live' && silentMs > SILENT_AFTER_MS)
      this.turn({ kind: 'silent', since: this.heardAt });
    else if (this.connection.kind !== 'live') this.listener.connection(this.connection);
    if (this.stream !== undefined && silentMs > GIVEN_UP_AFTER_MS) this.lost();
  }

  private turn(connection: Connection): void {
    if (connection.kind === 'live' && this.connection.kind === 'live') return;
    this.connection = connection;
    this.listener.connection(connection);
  }
}

function dataOf(event: Event): unknown {
  return JSON.parse((event as MessageEvent<string>).data);
}
