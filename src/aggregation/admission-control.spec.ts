import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Body, Controller, Get, Post } from '@nestjs/common';
import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { seededRandom } from '../resilience/random.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';
import { UpstreamModule } from '../upstream/upstream.module.js';
import { AdmissionControl } from './admission-control.js';
import { aggregate } from './aggregate.js';
import { required } from './part.js';
import { eventually } from './testing/eventually.js';
import { type Answer, TestGateway } from './testing/test-gateway.js';

const PROBLEM = {
  type: 'about:blank',
  title: 'Service Unavailable',
  status: 503,
  detail: 'The gateway has more to do than it can. Please come back in a moment.',
};

/** An upstream that answers when the test says so. */
class HangingUpstream {
  /** Requests it has not answered. */
  readonly open = new Set<ServerResponse>();
  private readonly server: Server = createServer((_request, response) => {
    this.open.add(response);
    response.once('close', () => this.open.delete(response));
  });

  async start(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  answerAll(status = 200): void {
    for (const response of this.open)
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    this.open.clear();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

let handled: string[] = [];
let hanging: Promise<Answer>[] = [];

@Controller()
class TestController {
  constructor(private readonly registry: UpstreamRegistry) {}

  @Get('slow')
  slow(): unknown {
    return this.composite('slow');
  }

  @Get('reports/weekly')
  report(): unknown {
    return this.composite('report');
  }

  @Post('slow')
  add(@Body() _body: unknown): unknown {
    return this.composite('post');
  }

  @Get('bug')
  bug(): unknown {
    throw new TypeError('a bug');
  }

  @Get('quick')
  quick(): unknown {
    handled.push('quick');
    return { quick: true };
  }

  @Get('stock/:sku')
  stock(): unknown {
    return {};
  }

  @Get('health/live')
  live(): unknown {
    return { status: 'ok' };
  }

  private composite(name: string): unknown {
    handled.push(name);
    const slow = this.registry.get('slow').send({ method: 'GET', url: '/' }, ({ data }): unknown => data);
    return aggregate({ slow: required(slow) }, { deadline: 60_000 });
  }
}

let upstream: HangingUpstream;
let url: string;
let gateway: TestGateway;
let parsed: number;

beforeEach(async () => {
  handled = [];
  hanging = [];
  parsed = 0;
  upstream = new HangingUpstream();
  url = await upstream.start();
});

afterEach(async () => {
  upstream.answerAll();
  await Promise.all(hanging);
  await gateway.stop();
  await upstream.stop();
});

async function start(admission: string): Promise<void> {
  const text = `
server: { admission: ${admission} }
upstreams:
  slow: { url: '${url}', deadlineMs: 60s, attemptTimeoutMs: 60s, retry: { maxAttempts: 1 } }
`;
  const config = parseGatewayConfig(text, { env: {} });
  gateway = await TestGateway.start(
    { imports: [UpstreamModule.forRoot({ config })], controllers: [TestController] },
    (fastify) => {
      fastify.addHook('preParsing', (_request, _reply, payload, done) => {
        parsed++;
        done(null, payload);
      });
    },
  );
}

function inFlight(): number | undefined {
  return gateway.app.get(AdmissionControl).snapshot()?.inFlight;
}

/** Two requests that hang, which is all that `maxInFlight: 2` has room for. */
async function fill(): Promise<void> {
  hanging = [gateway.ask('/slow'), gateway.ask('/slow')];
  await eventually(() => upstream.open.size === 2);
}

describe('a gateway with room for two requests', () => {
  beforeEach(() => start('{ maxInFlight: 2, defaultSharePercent: 100 }'));

  it('refuses the third, saying when to come back', async () => {
    await fill();
    const refused = await gateway.ask('/slow');
    expect(refused).toMatchObject({
      status: 503,
      headers: {
        'content-type': 'application/problem+json; charset=utf-8',
        'cache-control': 'no-store',
        'retry-after': expect.stringMatching(/^[12]$/) as string,
        connection: 'keep-alive',
      },
    });
    expect(JSON.parse(refused.text)).toEqual({ ...PROBLEM, requestId: refused.headers['x-request-id'] });
    expect(handled).toEqual(['slow', 'slow']);
    upstream.answerAll();
    for (const answer of await Promise.all(hanging)) expect(answer.status).toBe(200);
    expect((await gateway.ask('/quick')).status).toBe(200);
  });

  it('says so once in the log, however many it refuses', async () => {
    await fill();
    for (let request = 0; request < 5; request++) await gateway.ask('/slow');
    expect(gateway.log.warnings).toEqual([['refusing requests: too many requests in flight', 'Admission']]);
    expect(gateway.app.get(AdmissionControl).snapshot()?.refused).toEqual({
      critical: 0,
      default: 5,
      sheddable: 0,
    });
  });

  it('answers health all the same, and does not count it', async () => {
    await fill();
    expect((await gateway.ask('/health/live')).status).toBe(200);
    expect(inFlight()).toBe(2);
  });

  it('exempts no other route that merely looks like health', async () => {
    await fill();
    expect((await gateway.ask('/healthy')).status).toBe(503);
    expect((await gateway.ask('/health/../quick')).status).toBe(503);
  });

  it('does not read the body of what it refuses, and keeps the connection after a small one', async () => {
    await fill();
    parsed = 0;
    const refused = await gateway.ask('/slow', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
    });
    expect(refused).toMatchObject({ status: 503, headers: { connection: 'keep-alive' } });
    expect(parsed).toBe(0);
    expect(handled).toEqual(['slow', 'slow']);
  });

  it.each([
    ['large', 'Content-Length: 900000'],
    ['of unknown size', 'Transfer-Encoding: chunked'],
  ])('ends the connection rather than wait for a body that is %s', async (_size, header) => {
    await fill();
    parsed = 0;
    const refused = await gateway.send(
      `POST /slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${header}\r\n\r\n`,
    );
    expect(refused).toMatchObject({ status: 503, headers: { connection: 'close' } });
    expect(parsed).toBe(0);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'are answered',
      async () => {
        upstream.answerAll();
        await Promise.all(hanging);
      },
    ],
    [
      'fail',
      async () => {
        upstream.answerAll(500);
        expect((await Promise.all(hanging)).map(({ status }) => status)).toEqual([502, 502]);
      },
    ],
  ])('has its room back when they %s', async (_how, end) => {
    await fill();
    await end();
    await eventually(() => inFlight() === 0);
  });

  it.each(['/bug', '/nowhere', '/quick', '/%zz'])('keeps no place for %s', async (path) => {
    for (let request = 0; request < 5; request++) expect((await gateway.ask(path)).status).not.toBe(503);
    await eventually(() => inFlight() === 0);
    gateway.log.errors.splice(0);
  });

  it('has its room back when a client leaves, whose calls are cancelled by then', async () => {
    const socket = await gateway.connect();
    socket.on('error', () => undefined).write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => upstream.open.size === 1);
    expect(inFlight()).toBe(1);
    socket.destroy();
    await eventually(() => inFlight() === 0);
    const { bulkhead } = gateway.app.get(UpstreamRegistry).get('slow');
    expect(bulkhead.inUse).toBe(0);
    await eventually(() => upstream.open.size === 0);
  });

  it('has it back for pipelined requests too, whose turn to be answered never came', async () => {
    const socket = await gateway.connect();
    socket.on('error', () => undefined).write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
    await eventually(() => inFlight() === 2);
    socket.destroy();
    await eventually(() => inFlight() === 0);
  });

  it('counts no request of a connection twice that carries many', async () => {
    const requests = 'GET /quick HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(9);
    const last = 'GET /quick HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    expect((await gateway.send(requests + last)).status).toBe(200);
    expect(inFlight()).toBe(0);
    await fill();
    expect(inFlight()).toBe(2);
    upstream.answerAll();
    await Promise.all(hanging);
    await eventually(() => inFlight() === 0);
  });
});

describe('the room of a gateway', () => {
  it('is all back after any mix of answers, errors, refusals and clients that leave', async () => {
    await start('{ maxInFlight: 8 }');
    const random = seededRandom(42);
    const paths = ['/slow', '/quick', '/bug', '/nowhere', '/reports/weekly'];
    const running: Promise<unknown>[] = [];
    for (let request = 0; request < 300; request++) {
      const path = paths[Math.floor(random() * paths.length)] ?? '/';
      const abort = new AbortController();
      running.push(gateway.ask(path, { signal: abort.signal }).catch(() => undefined));
      if (random() < 0.3)
        setImmediate(() => {
          abort.abort();
        });
      if (random() < 0.3) upstream.answerAll(random() < 0.5 ? 200 : 503);
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      expect(inFlight()).toBeLessThanOrEqual(8);
    }
    const answering = setInterval(() => {
      upstream.answerAll();
    }, 1);
    await Promise.all(running);
    clearInterval(answering);
    await eventually(() => inFlight() === 0);
    gateway.log.errors.splice(0);
  });

  it('is shared out by priority', async () => {
    await start(
      '{ maxInFlight: 2, defaultSharePercent: 100, sheddableSharePercent: 50, priorities: { /reports: sheddable } }',
    );
    const answers = [gateway.ask('/reports/weekly')];
    await eventually(() => upstream.open.size === 1);
    expect((await gateway.ask('/reports/weekly')).status).toBe(503);
    expect((await gateway.ask('/report%73/weekly')).status).toBe(503);
    expect((await gateway.ask('/quick', { headers: { priority: 'u=5' } })).status).toBe(503);
    expect((await gateway.ask('/reports/weekly', { headers: { priority: 'u=0' } })).status).toBe(503);
    expect((await gateway.ask('/quick')).status).toBe(200);
    upstream.answerAll();
    await Promise.all(answers);
  });

  it('is shared out by routes with parameters, written either way', async () => {
    await start('{ maxInFlight: 1, sheddableSharePercent: 1, priorities: { "/stock/{sku}": critical } }');
    expect((await gateway.ask('/stock/1')).status).toBe(200);
    expect(gateway.log.warnings).toEqual([]);
  });

  it('is kept for no route that is not there, and the log says so at the start', async () => {
    await start('{ priorities: { /reprots: sheddable, "/stock/{id}": critical, /checkout: critical } }');
    const warnings = [
      'server.admission.priorities./reprots: above no route of the API; did you mean /reports?',
      'server.admission.priorities./stock/{id}: above no route of the API; did you mean /stock/:sku?',
      'server.admission.priorities./checkout: above no route of the API',
    ];
    expect(gateway.log.warnings).toEqual(warnings.map((warning) => [warning, 'Admission']));
  });

  it('is refused by chance while the event loop is late', async () => {
    await start('{ maxLoopDelayMs: 1 }');
    const admission = gateway.app.get(AdmissionControl);
    while ((admission.snapshot()?.loopDelayMs ?? 0) < 50) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await gateway.ask('/quick')).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(gateway.log.warnings).toEqual([['refusing requests: the event loop is late', 'Admission']]);
  });

  it('is not looked at where nothing limits it', async () => {
    await start('{ maxInFlight: null, maxLoopDelayMs: null }');
    expect(gateway.app.get(AdmissionControl).snapshot()).toBeUndefined();
    expect((await gateway.ask('/quick')).status).toBe(200);
  });
});

describe('an application without a gateway configuration', () => {
  it('refuses nobody: the management side is one', async () => {
    @Controller()
    class Management {
      @Get('metrics')
      metrics(): unknown {
        return {};
      }
    }
    gateway = await TestGateway.start({ controllers: [Management] });
    expect(gateway.app.get(AdmissionControl).snapshot()).toBeUndefined();
    expect((await gateway.ask('/metrics')).status).toBe(200);
  });
});
