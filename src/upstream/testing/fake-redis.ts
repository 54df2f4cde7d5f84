import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

/** What a client of a Redis wrote, as it wrote it. */
export type Command = readonly [name: string, ...args: string[]];

const GREETINGS: ReadonlySet<string> = new Set(['HELLO', 'CLIENT', 'PING']);

/** A Redis that keeps nothing, and answers when the test says so: at once, with an error, or not until `answer()`. */
export class FakeRedis {
  /** Everything but greetings. */
  readonly commands: Command[] = [];
  mode: 'prompt' | 'held' | 'failing' = 'prompt';
  private readonly sockets = new Set<Socket>();
  private readonly held: (() => void)[] = [];

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      let text = '';
      socket.on('data', (data) => {
        text += data.toString('latin1');
        socket.cork();
        for (let parsed = parse(text); parsed !== undefined; parsed = parse(text)) {
          text = text.slice(parsed.length);
          this.take(socket, parsed.command);
        }
        socket.uncork();
      });
    });
  }

  static async start(): Promise<FakeRedis> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeRedis(server);
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers everything that is held, in the order it came. */
  answer(): void {
    for (const answer of this.held.splice(0)) answer();
  }

  /** What was written by commands of that name. */
  named(name: string): readonly Command[] {
    return this.commands.filter(([each]) => each === name);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  private take(socket: Socket, command: Command): void {
    const [name] = command;
    const isGreeting = GREETINGS.has(name);
    if (!isGreeting) this.commands.push(command);
    const answer = (): void => {
      socket.write(name === 'MGET' ? `*2\r\n$-1\r\n$-1\r\n` : '+OK\r\n');
    };
    if (isGreeting || this.mode === 'prompt') answer();
    else if (this.mode === 'held') this.held.push(answer);
    else socket.write('-ERR out of memory\r\n');
  }
}

/** One whole command at the start of a text, and how long it is. */
function parse(text: string): { readonly command: Command; readonly length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (size === null) return undefined;
    const start = at + size[0].length;
    at = start + Number(size[1]) + 2;
    if (text.length < at) return undefined;
    words.push(text.slice(start, at - 2));
  }
  const [name = '', ...args] = words;
  return { command: [name.toUpperCase(), ...args], length: at };
}
