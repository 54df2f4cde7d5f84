import { type AddressInfo, connect, type Socket, type SocketConstructorOpts } from 'node:net';
import { Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance } from 'fastify';
import { Agent, type Dispatcher } from 'undici';
import { AggregationModule } from '../aggregation.module.js';
import { gatewayServerOptions } from '../server-options.js';
import { CapturedLog } from './captured-log.js';

/** What came back over the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export type Ask = Partial<Omit<Dispatcher.RequestOptions, 'path' | 'method'>> & { readonly method?: string };

/** A small real gateway on a port of its own, with a client for it. */
export class TestGateway {
  private readonly agent = new Agent({ connections: 64 });

  private constructor(
    readonly app: NestFastifyApplication,
    readonly log: CapturedLog,
  ) {}

  static async start(
    metadata: ModuleMetadata,
    prepare: (fastify: FastifyInstance) => void = () => undefined,
  ): Promise<TestGateway> {
    const log = new CapturedLog();
    const adapter = new FastifyAdapter(gatewayServerOptions());
    const module = {
      module: TestModule,
      ...metadata,
      imports: [AggregationModule, ...(metadata.imports ?? [])],
    };
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
      logger: log,
      abortOnError: false,
    });
    const gateway = new TestGateway(app, log);
    prepare(adapter.getInstance());
    await app.listen(0, '127.0.0.1');
    return gateway;
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await this.agent.destroy();
    await this.app.close();
  }

  async ask(path: string, { method = 'GET', ...options }: Ask = {}): Promise<Answer> {
    const { statusCode, headers, body } = await this.agent.request({
      origin: `http://127.0.0.1:${this.port}`,
      path,
      method: method,
      ...options,
    });
    const text = await body.text();
    const fields = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
    return { status: statusCode, headers: Object.fromEntries(fields), text };
  }

  /** A bare connection, for what no well-behaved client sends. */
  connect(options: SocketConstructorOpts = {}): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.port, host: '127.0.0.1', ...options });
      socket.once('connect', () => {
        resolve(socket);
      });
      socket.once('error', reject);
    });
  }

  /** Sends `bytes` as they are, and answers what comes back until the server hangs up. */
  async send(bytes: string): Promise<Answer> {
    const socket = await this.connect();
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    const closed = new Promise<void>((resolve) => {
      socket
        .on('error', () => undefined)
        .once('close', () => {
          resolve();
        });
    });
    socket.write(bytes);
    await closed;
    return parseAnswer(received);
  }
}

@Module({})
class TestModule {}

function parseAnswer(received: string): Answer {
  const end = received.indexOf('\r\n\r\n');
  const [statusLine = '', ...fields] = received.slice(0, end).split('\r\n');
  const headers = fields.map((field) => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const;
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(headers),
    text: received.slice(end + 4),
  };
}
