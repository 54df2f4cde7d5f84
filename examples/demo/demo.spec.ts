import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ask, askJson, eventually } from '../testing/ask.js';

const DEMO = resolve('dist/examples/demo.js');

/** Drains for as long as it takes to ask the first service once more, then ends. */
const POLITE_GATEWAY = `
const server = require('node:http').createServer((_, response) => response.end('{}'));
server.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', async () => {
  const { status } = await fetch(process.env.CUSTOMERS_URL + '/health');
  console.log('while draining, customers answers ' + status);
  process.exit(0);
});
process.once('disconnect', () => process.exit(0));
`;
const STUBBORN_GATEWAY = `${POLITE_GATEWAY}
process.removeAllListeners('SIGTERM').on('SIGTERM', () => console.log('not yet'));
`;
const BROKEN_GATEWAY = `process.exit(7);`;

/** Eight processes start for each test, and may have a busy machine to share. */
const PATIENCE_MS = 60_000;
jest.setTimeout(2 * PATIENCE_MS);

let folder: string;
const started: Demo[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-demo-'));
});

afterEach(() => {
  for (const demo of started.splice(0)) demo.process.kill('SIGKILL');
});

afterAll(() => rm(folder, { recursive: true }));

/** The demo as somebody at a terminal has it: what it prints, and how it ends. */
class Demo {
  output = '';
  readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
    this.ended = new Promise((done) => {
      process.once('close', (code, signal) => {
        done(code ?? signal);
      });
    });
  }

  /** The urls and pids of the table it prints. */
  get table(): Map<string, { readonly url: string; readonly pid: number }> {
    const rows = this.output.matchAll(/^ {2}(\w+) +(http:\S+) {2}pid (\d+)$/gm);
    return new Map([...rows].map(([, name = '', url = '', pid]) => [name, { url, pid: Number(pid) }]));
  }

  async says(text: string): Promise<void> {
    await eventually(() => Promise.resolve(this.output.includes(text)), PATIENCE_MS);
  }

  /** That nothing it started answers any more. */
  async leftNothing(): Promise<void> {
    const { table } = this;
    expect(table.size).toBe(7);
    for (const { url } of table.values()) {
      await eventually(
        () =>
          ask(url).then(
            () => false,
            () => true,
          ),
        PATIENCE_MS,
      );
    }
  }
}

async function gatewayFile(name: string, source: string): Promise<string> {
  const file = join(folder, `${name}.cjs`);
  await writeFile(file, source);
  return file;
}

/**
 * A port below those the system gives out by itself (32768 on Linux, 49152 elsewhere): no other test gets it by asking
 * for any, between this look and the moment the demo takes it.
 */
async function freePort(): Promise<number> {
  const port = 12_000 + Math.floor(Math.random() * 20_000);
  const free = await new Promise<boolean>((done) => {
    const server = createServer()
      .once('error', () => {
        done(false);
      })
      .listen(port, '127.0.0.1', () => {
        server.close(() => {
          done(true);
        });
      });
  });
  return free ? port : freePort();
}

function occupy(): Promise<Server> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      done(server);
    });
  });
}

async function environment(
  gateway: string,
  overrides: Record<string, string> = {},
): Promise<NodeJS.ProcessEnv> {
  return {
    ...process.env,
    npm_lifecycle_event: undefined,
    TRIBUTARY_GATEWAY_MAIN: await gatewayFile('gateway', gateway),
    DEMO_BASE_PORT: '0',
    PORT: String(await freePort()),
    MANAGEMENT_PORT: String(await freePort()),
    ...overrides,
  };
}

async function start(gateway: string, overrides?: Record<string, string>): Promise<Demo> {
  const demo = new Demo(spawn(process.execPath, [DEMO], { env: await environment(gateway, overrides) }));
  started.push(demo);
  return demo;
}

describe('npm start', () => {
  it('starts everything, survives a service, and on SIGTERM drains the gateway before the services go', async () => {
    const demo = await start(POLITE_GATEWAY);
    await demo.says('Ctrl-C takes everything down.');
    const { table } = demo;
    const names = ['customers', 'orders', 'catalog', 'inventory', 'reviews', 'offers'];
    expect([...table.keys()]).toEqual([...names, 'gateway']);
    for (const name of names) {
      expect(await askJson(`${table.get(name)?.url ?? ''}/health`)).toEqual({ status: 'ok', service: name });
    }
    expect(demo.output).toContain(`curl -i ${table.get('gateway')?.url ?? ''}/customers/c-42/overview`);
    expect(demo.output).toContain(`kill ${table.get('reviews')?.pid ?? 0}\n`);

    process.kill(table.get('reviews')?.pid ?? 0, 'SIGKILL');
    await demo.says('was killed by SIGKILL; the gateway goes on.');
    expect((await ask(table.get('gateway')?.url ?? '')).status).toBe(200);

    demo.process.kill('SIGTERM');
    expect(await demo.ended).toBe(0);
    expect(demo.output).toContain('while draining, customers answers 200');
    await demo.leftNothing();
  });

  it('hands the gateway its ports and the urls of its upstreams', async () => {
    const tell = `${POLITE_GATEWAY}
      const urls = Object.entries(process.env).filter(([name]) => name.endsWith('_URL'));
      console.log(JSON.stringify(Object.fromEntries(urls)));`;
    const demo = await start(tell);
    await demo.says('Ctrl-C takes everything down.');
    const told = JSON.parse(/^\{.*_URL.*\}$/m.exec(demo.output)?.[0] ?? '{}') as Record<string, string>;
    for (const [name, { url }] of demo.table) {
      if (name !== 'gateway') expect(told[`${name.toUpperCase()}_URL`]).toBe(url);
    }
    demo.process.kill('SIGINT');
    expect(await demo.ended).toBe(0);
  });

  it('takes two SIGINT in a row for one Ctrl-C, and insisting for an order', async () => {
    const demo = await start(STUBBORN_GATEWAY);
    await demo.says('Ctrl-C takes everything down.');
    demo.process.kill('SIGINT');
    demo.process.kill('SIGINT');
    await demo.says('not yet');
    expect(demo.process.exitCode).toBeNull();
    const insisting = setInterval(() => demo.process.kill('SIGINT'), 50);
    expect(await demo.ended).toBe(1);
    clearInterval(insisting);
    await demo.leftNothing();
  });

  it('leaves nothing behind when it is killed itself', async () => {
    const demo = await start(POLITE_GATEWAY);
    await demo.says('Ctrl-C takes everything down.');
    demo.process.kill('SIGKILL');
    await demo.leftNothing();
  });

  it('goes when the shell between npm and it is killed', async () => {
    const env = await environment(POLITE_GATEWAY, { npm_lifecycle_event: 'start' });
    const shell = new Demo(spawn('sh', ['-c', `"${process.execPath}" "${DEMO}"; exit 3`], { env }));
    started.push(shell);
    await shell.says('Ctrl-C takes everything down.');
    shell.process.kill('SIGTERM');
    await shell.leftNothing();
  });

  it('ends with the gateway', async () => {
    const demo = await start(POLITE_GATEWAY);
    await demo.says('Ctrl-C takes everything down.');
    process.kill(demo.table.get('gateway')?.pid ?? 0, 'SIGKILL');
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain('The gateway was killed by SIGKILL; taking everything down.');
    await demo.leftNothing();
  });

  it('fails at once with a gateway that does not start', async () => {
    const demo = await start(BROKEN_GATEWAY);
    expect(await demo.ended).toBe(1);
    expect(demo.output).toContain('The gateway exited with code 7 before it answered.');
  });

  it.each(['PORT', 'MANAGEMENT_PORT'])('names a busy %s', async (variable) => {
    const server = await occupy();
    const { port } = server.address() as AddressInfo;
    const demo = await start(POLITE_GATEWAY, { [variable]: String(port) });
    expect(await demo.ended).toBe(1);
    expect(demo.output).toBe(`Port ${port} is in use: free it, or set ${variable} to another one.\n`);
    server.close();
  });

  it('names a busy port of a service', async () => {
    const server = await occupy();
    const { port } = server.address() as AddressInfo;
    const demo = await start(POLITE_GATEWAY, { DEMO_BASE_PORT: String(port) });
    expect(await demo.ended).toBe(1);
    const [, named] =
      /^Port (\d+) is in use: free it, or set DEMO_BASE_PORT to the first of six free ports in a row\.$/m.exec(
        demo.output,
      ) ?? [];
    // Any of the next five may be somebody else's at the moment, and whichever service hears of it first is named.
    expect(Number(named) - port).toBeGreaterThanOrEqual(0);
    expect(Number(named) - port).toBeLessThan(6);
    server.close();
  });

  it.each(['eighty', '65531', '-1'])('refuses %s as DEMO_BASE_PORT', async (value) => {
    const demo = await start(POLITE_GATEWAY, { DEMO_BASE_PORT: value });
    expect(await demo.ended).toBe(1);
    expect(demo.output).toBe(`DEMO_BASE_PORT must be a port from 0 to 65530, not "${value}".\n`);
  });
});
