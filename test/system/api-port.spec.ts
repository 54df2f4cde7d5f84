import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RecordingServer, recordingServer } from '../../src/http/testing/recording-server.js';
import { GatewayProcess } from './support/gateway-process.js';

/** What whoever runs the gateway knows, and nobody on the API port gets to know. */
const SECRETS = {
  adminToken: 'canary-admin-token-1',
  upstreamHeader: 'canary-header-value',
  otlpHeader: 'canary-otlp-value',
  environment: 'canary-environment-value',
  upstreamError: 'canary-upstream-body',
  upstreamHead: 'canary-upstream-head',
} as const;

const ROOT = join(__dirname, '../..');

function versionOf(packageFile: string): string {
  return (JSON.parse(readFileSync(join(ROOT, packageFile), 'utf8')) as { version: string }).version;
}

/** Whole answers, heads and bodies as they came over the wire, with what was sent for them. */
const answers: Answer[] = [];

interface Answer {
  /** The beginning of it. */
  readonly sent: string;
  readonly received: string;
}

let directory: string;
let upstream: RecordingServer;
let dead: string;
let gateway: GatewayProcess;
let mood: Mood;

const MOODS = ['well', 'failing', 'lying', 'broken', 'redirecting', 'hanging'] as const;
type Mood = (typeof MOODS)[number];

/** Something for every part there is: a list where one is asked for, and what ids are looked for by. */
function wellBody(url: string): unknown {
  const one = { id: 'x-1', sku: 'p-1', tier: 'gold', name: 'n', customerId: 'c-1', lines: [{ sku: 'p-1' }] };
  return /[?]|offers|orders|reviews/.test(url) ? [one] : one;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-'));
  const gone = await recordingServer(() => undefined);
  dead = gone.origin;
  await gone.close();
  upstream = await recordingServer(({ url = '' }, response) => {
    response.setHeader('server', `nginx/9.9 ${SECRETS.upstreamHead}`);
    response.setHeader('x-powered-by', SECRETS.upstreamHead);
    response.setHeader('set-cookie', `a=${SECRETS.upstreamHead}`);
    response.setHeader('content-type', 'application/json');
    const stack = `Error: ${SECRETS.upstreamError} ${upstream.origin}${url}\n    at handle (/srv/app/orders.js:12:3)`;
    if (mood === 'well') response.end(JSON.stringify(wellBody(url)));
    else if (mood === 'failing') response.writeHead(500).end(JSON.stringify({ message: stack }));
    else if (mood === 'lying') response.end(`{"${SECRETS.upstreamError}": ${stack}`);
    else if (mood === 'redirecting')
      response.writeHead(302, { location: `${upstream.origin}/${SECRETS.upstreamHead}` }).end();
    else if (mood === 'broken') response.socket?.destroy();
  });
  const file = join(directory, 'inside-gateway.yaml');
  writeFileSync(file, configuration());
  gateway = await GatewayProcess.start({
    GATEWAY_CONFIG: file,
    NODE_ENV: 'production',
    INSIDE: SECRETS.environment,
  });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await upstream.close();
  rmSync(directory, { recursive: true });
});

/** The reference gateway, with composites that read, write and join. */
function configuration(): string {
  const policy = 'health: null, deadlineMs: 200, attemptTimeoutMs: 100';
  const headers = `headers: { x-api-key: ${SECRETS.upstreamHeader}, x-env: '\${INSIDE}' }`;
  const names = ['customers', 'orders', 'catalog', 'inventory', 'reviews'];
  const upstreams = names.map(
    (name) => `  ${name}: { url: '${upstream.origin}/base', ${policy}, ${headers} }`,
  );
  return `
server: { shutdownGraceMs: 0, adminToken: ${SECRETS.adminToken}, admission: { maxLoopDelayMs: null } }
telemetry: { tracing: { headers: { x-otlp: ${SECRETS.otlpHeader} } } }
upstreams:
${upstreams.join('\n')}
  offers: { url: '${dead}', ${policy}, critical: true }
composites:
  order-list:
    get: /lists/{id}
    params: { id: { pattern: '^o-[0-9]+$' }, size: { in: query, type: integer } }
    parts:
      order: { upstream: orders, get: '/orders/{id}{?size}', required: true }
      dead: { upstream: offers, get: /dead }
  needs-dead:
    get: /needs-dead
    parts:
      dead: { upstream: offers, get: /dead, required: true }
  writes:
    post: /writes
    bodySchema: { type: object, properties: { name: { type: string } }, required: [name] }
    parts:
      made: { upstream: orders, post: /orders, body: { name: body.name }, required: true }
`;
}

const endpoint = (): { host: string; port: number } => {
  const { hostname, port } = new URL(gateway.apiUrl);
  return { host: hostname, port: Number(port) };
};

/** Sends bytes as they are, and keeps all that comes back until the server hangs up, or has nothing more to say. */
function send(bytes: string | Buffer, { hangUp = false } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(endpoint());
    let received = '';
    socket.setEncoding('latin1');
    socket.setTimeout(1_500, () => socket.destroy());
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      answers.push({ sent: String(bytes).slice(0, 120), received });
      resolve(received);
    });
    socket.write(bytes);
    if (hangUp) socket.end();
  });
}

function ask(
  method: string,
  path: string,
  { headers = {}, body = '' }: { headers?: Readonly<Record<string, string>>; body?: string } = {},
): Promise<string> {
  const fields = { host: 'api.example', connection: 'close', ...headers };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === '' ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  return send(`${method} ${path} HTTP/1.1\r\n${head.join('')}${length}\r\n${body}`);
}

async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    }),
  );
}

const headOf = (answer: string): string => answer.split('\r\n\r\n', 1).join();
const bodyOf = (answer: string): string => answer.slice(answer.indexOf('\r\n\r\n') + 4);

interface Operation {
  readonly method: string;
  readonly path: string;
}

async function operations(): Promise<readonly Operation[]> {
  const response = await fetch(`${gateway.apiUrl}/openapi.json`);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

const GOOD_IDS = ['c-42', 'o-1', 'p-7'];
const BAD_IDS = [
  '1',
  '%00',
  '%0d%0aX-Injected:%20yes',
  '..%2f..%2fetc%2fpasswd',
  '%zz',
  'x'.repeat(300),
  '%F0%9F%92%A3',
  "c-1'%20OR%201=1--",
  '{id}',
  '__proto__',
];

const UNKNOWN = [
  '/',
  '/nothing',
  '/health',
  '/health/',
  '/health/live',
  '/health/ready',
  '/health/ready/',
  '/health/upstreams',
  '/health/upstreams/orders',
  '/metrics',
  '/console',
  '/console/',
  '/console/state',
  '/console/events',
  '/log',
  '/log/Request',
  '/docs-json',
  '/docs-yaml',
  '/docs/',
  '/docs/package.json',
  '/docs/..%2fpackage.json',
  '/docs/%2e%2e/%2e%2e/package.json',
  '/docs/../../package.json',
  '/docs/static/',
  '/docs/%00',
  '/docs/index.html',
  '/openapi.json?x=1',
  '/openapi.yaml',
  '/gateway.yaml',
  '/.env',
  '/.git/config',
  '/package.json',
  '/node_modules/',
  '/etc/passwd',
  '/../../../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '//evil.example/',
  '/%00',
  '/%zz',
  '/favicon.ico',
  '/robots.txt',
  '/faults',
  '/stats',
  `/${'a'.repeat(9_000)}`,
  '/?__proto__[x]=1',
  '*',
  'http://other.example/health',
];

const VERBS = ['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND', 'CONNECT', 'BREW'];

const ODD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { prefer: 'handling=strict, wait=0.001, report=body' },
  { prefer: '\u00ff=;;;' },
  { accept: 'text/html', 'accept-encoding': 'br;q=x' },
  { 'if-none-match': '*', range: 'bytes=999999-' },
  { 'x-request-id': '<script>' },
  { traceparent: '00-zz', 'x-forwarded-host': 'evil', forwarded: 'for=_inside' },
  { 'x-envoy-expected-rq-timeout-ms': '-1' },
  { priority: 'u=9' },
  { 'transfer-encoding': 'identity' },
  { expect: 'the-unexpected' },
  { upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-key': 'x', 'sec-websocket-version': '13' },
  { upgrade: 'h2c', connection: 'upgrade, http2-settings', 'http2-settings': 'AAMAAABkAAQAAP__' },
];

const BODIES: readonly { headers: Readonly<Record<string, string>>; body: string }[] = [
  { headers: { 'content-type': 'application/json' }, body: '{"name":"n"}' },
  { headers: { 'content-type': 'application/json' }, body: '{"name":' },
  {
    headers: { 'content-type': 'application/json' },
    body: '{"__proto__":{"x":1},"constructor":{"prototype":{}}}',
  },
  { headers: { 'content-type': 'application/json' }, body: '[]' },
  { headers: { 'content-type': 'application/json' }, body: `{"name":"${'x'.repeat(1_200_000)}"}` },
  { headers: { 'content-type': 'application/json' }, body: '['.repeat(50_000) },
  { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: 'not gzip' },
  {
    headers: { 'content-type': 'text/xml' },
    body: '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>',
  },
  { headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x\r\n\r\n' },
  { headers: { 'content-type': ';;' }, body: 'x' },
  { headers: {}, body: 'x' },
];

const RAW: readonly (string | Buffer)[] = [
  'nonsense\r\n\r\n',
  'GET\r\n\r\n',
  'GET /\r\n\r\n',
  'GET / HTTP/9.9\r\nhost: a\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n',
  'GET / HTTP/1.1\r\nhost a\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nx: \u0000\r\n\r\n',
  'GET / HTTP/1.1\r\nhost: a\r\nx:\r\n folded\r\n\r\n',
  `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`,
  `GET /${'y'.repeat(100_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
  `GET / HTTP/1.1\r\nhost: a\r\n${Array.from({ length: 3_000 }, (_, n) => `x-${n}: 1\r\n`).join('')}\r\n`,
  'POST /writes HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /writes HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  'POST /writes HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n',
  'POST /writes HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nx',
  `POST /writes HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1;${'e'.repeat(40_000)}\r\nx\r\n0\r\n\r\n`,
  'POST /writes HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"name"',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  Buffer.from('16030100a5010000a10303', 'hex'),
  Buffer.from([0, 255, 10, 13, 0]),
];

async function crawl(all: readonly Operation[]): Promise<void> {
  const paths = all.flatMap(({ method, path }) =>
    [...GOOD_IDS, ...BAD_IDS].map((id) => ({ method, path: path.replace(/\{[^}]+\}/g, id) })),
  );
  const distinct = [...new Map(paths.map((each) => [`${each.method} ${each.path}`, each])).values()];
  await inTurn(distinct, ({ method, path }) =>
    ask(
      method,
      path,
      method === 'POST' ? { ...BODIES[0], headers: { 'content-type': 'application/json' } } : {},
    ),
  );
  const routes = all.map(({ path }) => path.replace(/\{[^}]+\}/g, 'o-1'));
  await inTurn(
    routes.flatMap((path) => VERBS.map((method) => ({ method, path }))),
    ({ method, path }) => ask(method, path),
  );
  await inTurn(
    ODD_HEADERS.flatMap((headers) =>
      ['/lists/o-1?size=x', '/lists/o-1', '/needs-dead'].map((path) => ({ headers, path })),
    ),
    ({ headers, path }) => ask('GET', path, { headers }),
  );
  await inTurn(BODIES, (content) => ask('POST', '/writes', content));
}

/** What stands on the page of the documentation, and what that loads. */
async function readDocumentation(): Promise<void> {
  const page = bodyOf(await ask('GET', '/docs'));
  const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(assets.length).toBeGreaterThan(2);
  await inTurn(assets, (path) => ask('GET', new URL(path, 'http://a/docs').pathname));
}

describe('the API port', () => {
  it('tells nothing of the inside, whatever it is asked and however its upstreams are', async () => {
    mood = 'well';
    const all = await operations();
    expect(all.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/lists/{id}', '/writes', '/customers/{id}/overview', '/health/ready']),
    );
    await readDocumentation();
    await inTurn(UNKNOWN, (path) => ask('GET', path));
    await inTurn(
      UNKNOWN.slice(0, 30).flatMap((path) => VERBS.map((method) => ({ method, path }))),
      ({ method, path }) => ask(method, path),
    );
    await inTurn(RAW, (bytes) => send(bytes));
    for (mood of MOODS) await crawl(all);

    const statuses = new Set(answers.map(({ received }) => Number(received.split(' ')[1])));
    // It has been everywhere: what is right, wrong, unknown, too large, unreadable; and behind it, what is down.
    for (const status of [200, 400, 404, 405, 413, 414, 415, 431, 502, 503, 504])
      expect(statuses).toContain(status);
    const telling = answers.map((answer) => ({ sent: answer.sent, leaks: leaks(answer) }));
    expect(telling.filter(({ leaks: found }) => found.length > 0)).toEqual([]);
  }, 120_000);
});

/** Somebody else's page, as it is published: it speaks of hosts, files and errors that are not ours. */
const PUBLISHED = /^GET \/docs\/swagger-ui(?:-bundle|-standalone-preset)?\.(?:js|css) /;
const OURS_ONLY: ReadonlySet<string> = new Set(['secret', 'upstream', 'version', 'banner']);

/** What must not stand in an answer, by what it would tell. */
function leaks({ sent, received }: Answer): readonly string[] {
  return Object.entries(forbiddenTexts()).flatMap(([what, pattern]) => {
    if (PUBLISHED.test(sent) && !OURS_ONLY.has(what)) return [];
    const [text] = pattern.exec(what === 'banner' ? headOf(received) : received) ?? [];
    return text === undefined ? [] : [`${what}: ${text}`];
  });
}

let forbidden: Readonly<Record<string, RegExp>> | undefined;

function forbiddenTexts(): Readonly<Record<string, RegExp>> {
  return (forbidden ??= {
    secret: /canary-/,
    upstream: new RegExp([upstream.origin, dead].map((origin) => new URL(origin).host).join('|')),
    host: /127\.0\.0\.1|localhost:\d/,
    port: new RegExp(
      `\\b(?:${[upstream.origin, dead, gateway.managementUrl].map((url) => new URL(url).port).join('|')})\\b`,
    ),
    stack: /\n\s+at .+:\d+:\d+/,
    path: new RegExp(`${escaped(ROOT)}|${escaped(directory)}|node_modules|file:///|/srv/app|inside-gateway`),
    library: /fastify|nestjs|undici|FST_ERR|ECONN[A-Z]+|ERR_[A-Z]+_|HPE_/i,
    version: new RegExp(
      [
        process.version.slice(1),
        versionOf('package.json'),
        ...['@nestjs/core', 'fastify', 'undici'].map((name) =>
          versionOf(`node_modules/${name}/package.json`),
        ),
      ]
        .map(escaped)
        .map((version) => `(?<![\\d.])${version}(?![\\d.])`)
        .join('|'),
    ),
    banner: /^(?:server|x-powered-by|via|set-cookie):/im,
    configuration:
      /adminToken|managementPort|attemptTimeoutMs|circuitBreaker|maxLoopDelayMs|bulkhead|forwardHeaders|upstreams:|gateway\.yaml/,
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
