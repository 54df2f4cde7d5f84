import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { dirname, join, relative } from 'node:path';
import { Module, type Type } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AggregationModule, gatewayServerOptions, parseGatewayConfig, UpstreamModule } from '../src/index.js';
import { CustomersModule } from '../src/storefront/customers/customers.module.js';
import { OrdersModule } from '../src/storefront/orders/orders.module.js';

const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
/** Where the README's files are put; what they import of ours is found where it really is. */
const sandbox = join(__dirname, 'walkthrough-sandbox');
const written = new Map(blocks('ts'));

/** The README's code blocks of a language, by the file their first line names. */
function blocks(language: string): [string, string][] {
  const found = readme.matchAll(
    new RegExp(`\`\`\`${language}\\n(?:// |# )(\\S+?)(?:,.*)?\\n([^]*?)\`\`\``, 'g'),
  );
  return [...found].map(([, path = '', code = '']) => [path, code]);
}

function writeSandbox(): void {
  for (const [path, code] of written) {
    const file = join(sandbox, path);
    const resolved = code.replaceAll(/from '(\.[^']+)'/g, (whole, specifier: string) => {
      const target = join(dirname(path), specifier);
      if (written.has(target.replace(/\.js$/, '.ts'))) return whole;
      return `from '${relative(dirname(file), join(root, target))}'`;
    });
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, resolved);
  }
  const extending = {
    extends: '../../tsconfig.json',
    compilerOptions: { rootDir: '../..', noEmit: true },
    include: ['.'],
  };
  writeFileSync(join(sandbox, 'tsconfig.json'), JSON.stringify(extending));
}

describe('the README’s walk-through', () => {
  let upstream: Server;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    writeSandbox();
    upstream = createServer((request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(answerTo(request.url ?? '')));
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    app = await startApp(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
  });

  afterAll(async () => {
    rmSync(sandbox, { recursive: true, force: true });
    upstream.close();
    await app.close();
  });

  it('type-checks', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', sandbox], { encoding: 'utf8' });
    expect(stdout).toBe('');
  }, 60_000);

  it('answers the new composite', async () => {
    let response = await app.inject('/customers/c-1/deliveries');
    // Its shipments have 400 ms, which the first call of a process may miss on a machine that is busy.
    for (let again = 0; again < 20 && response.headers['composite-complete'] !== '?1'; again++) {
      response = await app.inject('/customers/c-1/deliveries');
    }

    expect(response.json()).toMatchObject({
      customer: { id: 'c-1' },
      orders: [{ id: 'o-1' }],
      shipments: [{ orderId: 'o-1', carrier: 'DHL', arrivesOn: '2026-12-01' }],
    });
    expect(response.headers['composite-parts']).toMatch(
      /^customer;state=ok;.*orders;state=ok;.*shipments;state=ok/,
    );
  });

  async function startApp(url: string): Promise<NestFastifyApplication> {
    const shipments = blocks('yaml')
      .map(([, yaml]) => yaml)
      .join('');
    const others = `  customers: { url: '${url}' }\n  orders: { url: '${url}' }\n`;
    const yaml = shipments.replace('upstreams:\n', `upstreams:\n${others}`);
    const config = parseGatewayConfig(yaml, { env: { SHIPMENTS_URL: url } });
    const { ShipmentsModule } = (await import(
      join(sandbox, 'src/storefront/shipments/shipments.module')
    )) as {
      ShipmentsModule: Type;
    };
    const { DeliveriesController } = (await import(
      join(sandbox, 'src/storefront/deliveries.controller')
    )) as {
      DeliveriesController: Type;
    };

    @Module({
      imports: [
        UpstreamModule.forRoot({ config }),
        AggregationModule,
        CustomersModule,
        OrdersModule,
        ShipmentsModule,
      ],
      controllers: [DeliveriesController],
    })
    class WalkthroughModule {}

    const module = await Test.createTestingModule({ imports: [WalkthroughModule] })
      .setLogger({ log: quiet, warn: quiet, error: quiet })
      .compile();
    const created = module.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter(gatewayServerOptions()),
    );
    await created.init();
    await created.getHttpAdapter().getInstance().ready();
    return created;
  }
});

function quiet(): void {
  // Nest's own start is not what is tested here.
}

function answerTo(url: string): unknown {
  if (url.startsWith('/shipments?orderIds=o-1'))
    return [{ orderId: 'o-1', carrier: 'DHL', arrivesOn: '2026-12-01' }];
  const order = {
    id: 'o-1',
    customerId: 'c-1',
    placedAt: '',
    status: 'paid',
    currency: 'EUR',
    lines: [],
    totalCents: 0,
  };
  if (url.startsWith('/orders')) return [order];
  return { id: 'c-1', name: 'Ada', email: '', tier: 'gold', city: '', country: '', memberSince: '' };
}
