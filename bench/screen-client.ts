import { Agent, get } from 'node:http';

/** Where a screen's data comes from. */
export const SOURCES = ['customers', 'orders', 'catalog', 'offers', 'gateway'] as const;

export type Source = (typeof SOURCES)[number];
export type SourcePorts = Readonly<Record<Source, number>>;

/**
 * The HTTP side of the client: connections are kept and used again, as browsers and apps do; an answer that is not
 * complete is an error, so that nothing missing is ever counted as fast.
 */
export class ScreenClient {
  private readonly agent = new Agent({ keepAlive: true });
  private asked = 0;

  constructor(private readonly ports: SourcePorts) {}

  /** Requests sent so far. */
  get requests(): number {
    return this.asked;
  }

  /** The JSON at a path. */
  get(source: Source, path: string): Promise<unknown> {
    this.asked += 1;
    const url = `http://127.0.0.1:${this.ports[source]}${path}`;
    return new Promise((resolve, reject) => {
      get(url, { agent: this.agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode, headers } = response;
          if (statusCode !== 200 || headers['composite-complete'] === '?0') {
            reject(new Error(`${source} answered ${path} with ${String(statusCode)}, or without all parts`));
            return;
          }
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')));
        });
      }).on('error', reject);
    });
  }

  /** Hangs up. */
  close(): void {
    this.agent.destroy();
  }
}
