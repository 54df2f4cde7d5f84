import { type Connection, ConsoleStream } from './console-stream.js';
import { consoleState } from './testing/console-state.js';

/** Stands for the network: what a test lets happen on a connection that the page has opened. */
class ScriptedStream {
  closed = false;
  private readonly listeners = new Map<string, (event: Event) => void>();

  addEventListener(kind: string, listener: (event: Event) => void): void {
    this.listeners.set(kind, listener);
  }

  close(): void {
    this.closed = true;
  }

  say(kind: 'state' | 'transition' | 'error', data: unknown = consoleState([])): void {
    this.listeners.get(kind)?.({ data: JSON.stringify(data) } as unknown as Event);
  }
}

describe('the stream of the console', () => {
  let opened: ScriptedStream[];
  let connections: Connection[];
  let states: number;
  let stream: ConsoleStream;

  const last = (): ScriptedStream => opened.at(-1)!;
  const kinds = (): string[] => connections.map(({ kind }) => kind);

  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
    [opened, connections, states] = [[], [], 0];
    const open = (): EventSource => {
      opened.push(new ScriptedStream());
      return last() as unknown as EventSource;
    };
    const listener = {
      state: () => states++,
      transition: () => undefined,
      connection: (connection: Connection) => connections.push(connection),
    };
    stream = new ConsoleStream(open, listener, () => 1);
  });

  afterEach(() => {
    stream.end();
    jest.useRealTimers();
  });

  it('is live with the first state, and says so once', () => {
    last().say('state');
    last().say('state');

    expect({ states, kinds: kinds() }).toEqual({ states: 2, kinds: ['live'] });
  });

  it('comes back after delays that double up to 15 s, whatever ended it', () => {
    last().say('state');
    const waits = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000];
    for (const [n, wait] of waits.entries()) {
      last().say('error');
      jest.advanceTimersByTime(wait - 1);
      expect(opened).toHaveLength(n + 1);
      jest.advanceTimersByTime(1);
      expect(opened).toHaveLength(n + 2);
    }
    expect(opened.slice(0, -1).every(({ closed }) => closed)).toBe(true);
  });

  it('counts delays anew once a state has come', () => {
    for (const wait of [500, 1_000]) {
      last().say('error');
      jest.advanceTimersByTime(wait);
    }
    last().say('state');
    last().say('error');
    jest.advanceTimersByTime(500);

    expect(opened).toHaveLength(4);
  });

  it('tells since when it has been away, from the first failure on', () => {
    last().say('state');
    last().say('error');
    jest.advanceTimersByTime(500);
    last().say('error');
    jest.advanceTimersByTime(5_000);

    expect(connections.at(-1)).toEqual({ kind: 'reconnecting', since: 1_000_000 });
  });

  it('is silent after 3 s without a state, and live with the next one', () => {
    last().say('state');
    jest.advanceTimersByTime(3_999);
    expect(connections.at(-1)).toEqual({ kind: 'live' });
    jest.advanceTimersByTime(1);
    expect(connections.at(-1)).toEqual({ kind: 'silent', since: 1_000_000 });
    last().say('state');

    expect(connections.at(-1)).toEqual({ kind: 'live' });
    expect(opened).toHaveLength(1);
  });

  it('gives a connection up that has been cut on the way and says nothing of it', () => {
    last().say('state');
    jest.advanceTimersByTime(11_500);

    expect(opened.length).toBe(2);
    expect(connections.at(-1)).toEqual({ kind: 'reconnecting', since: 1_000_000 });
  });

  it('gives the next connection time to say something', () => {
    last().say('state');
    jest.advanceTimersByTime(11_500 + 5_000);

    expect(last().closed).toBe(false);
    expect(opened).toHaveLength(2);
  });

  it('does not wait when the tab is looked at again', () => {
    last().say('state');
    last().say('error');
    stream.wake();

    expect(opened).toHaveLength(2);
    last().say('state');
    stream.wake();
    expect(opened).toHaveLength(2);
  });

  it('hears nothing of a connection that it has left', () => {
    const [first] = opened;
    first!.say('error');
    jest.advanceTimersByTime(500);
    first!.say('state');
    first!.say('error');

    expect({ states, opened: opened.length }).toEqual({ states: 0, opened: 2 });
  });

  it('ends for good', () => {
    last().say('error');
    stream.end();
    jest.advanceTimersByTime(60_000);

    expect(opened).toHaveLength(1);
  });
});
