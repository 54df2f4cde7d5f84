import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { eventually } from '../../aggregation/testing/eventually.js';

export interface ReadEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Reads a response as it comes, on a connection of its own. */
export class EventReader {
  /** What came at once, by one read of the socket. */
  readonly chunks: string[] = [];
  hasEnded = false;
  isBroken = false;

  private constructor(
    private readonly sent: ClientRequest,
    readonly response: IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.chunks.push(chunk));
    response.on('end', () => (this.hasEnded = true));
    response.on('error', () => (this.isBroken = true));
  }

  /** Resolves with the head of the response. */
  static async open(port: number, path: string, { body = '', ...asked }: Asked): Promise<EventReader> {
    const sent = request({ host: '127.0.0.1', port, path, agent: false, ...asked });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return new EventReader(sent, response);
  }

  get text(): string {
    return this.chunks.join('');
  }

  get events(): readonly ReadEvent[] {
    const isStream = this.response.headers['content-type'] === 'text/event-stream';
    return isStream ? serverSentEvents(this.text) : lines(this.text);
  }

  /** The parts in the order in which they have landed so far. */
  get parts(): readonly unknown[] {
    return this.events.filter(({ event }) => event === 'part').map(({ data }) => data['part']);
  }

  /** Everything the parts have brought, one assigned over the other. */
  get document(): Readonly<Record<string, unknown>> {
    const brought = this.events.filter(({ event }) => event === 'part').map(({ data }) => data['data']);
    return Object.assign({}, ...brought) as Readonly<Record<string, unknown>>;
  }

  async upTo(count: number): Promise<readonly ReadEvent[]> {
    await eventually(() => this.events.length >= count || this.isBroken);
    return this.events;
  }

  async toTheEnd(): Promise<readonly ReadEvent[]> {
    await eventually(() => this.hasEnded || this.isBroken);
    return this.events;
  }

  leave(): void {
    this.sent.destroy();
  }
}

/** Reads a stream as `EventSource` does (WHATWG HTML, 9.2.6). What is not whole yet is no event. */
export function serverSentEvents(stream: string): readonly ReadEvent[] {
  const events: ReadEvent[] = [];
  let [type, data] = ['', ''];
  for (const line of stream.split(/\r\n|\n|\r/).slice(0, -1)) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (line === '') {
      if (data !== '')
        events.push({ event: type === '' ? 'message' : type, data: parsed(data.slice(0, -1)) });
      [type, data] = ['', ''];
    } else if (field === 'event') type = value;
    else if (field === 'data') data += `${value}\n`;
  }
  return events;
}

function lines(text: string): readonly ReadEvent[] {
  const whole = text.split('\n').slice(0, -1);
  return whole.map((line) => {
    const { event, ...data } = parsed(line);
    return { event: String(event), data };
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}
