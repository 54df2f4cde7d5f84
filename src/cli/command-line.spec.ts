import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RecordingServer, recordingServer } from '../http/testing/recording-server.js';
import { loadGateway } from '../composite/config/gateway.js';
import { InProcessGateway } from '../in-process-gateway.js';
import { runCommandLine } from './command-line.js';
import { WrittenTerminal } from './testing/written-terminal.js';

let folder: string;
let shop: RecordingServer;

/** What `offers` answers with. */
let offersStatus = 200;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-cli-'));
  shop = await recordingServer((request, response) => {
    const [, name = '', id = ''] = (request.url ?? '').split(/[/?]/);
    const status = name === 'offers' ? offersStatus : id === 'c-404' ? 404 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(name === 'offers' ? [{ title: 'kettle' }] : { id, tier: 'gold' }));
  });
});

afterEach(() => {
  offersStatus = 200;
  shop.seen.length = 0;
});

afterAll(async () => {
  await shop.close();
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function tributary(args: readonly string[], terminal = new WrittenTerminal()): Promise<Ended> {
  const code = await runCommandLine(args, terminal);
  const { stdout, stderr } = terminal;
  return { code, stdout, stderr };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

function storefront(): Promise<string> {
  const upstream = `{ url: '${shop.origin}', retry: { maxAttempts: 1 } }`;
  return file(
    'storefront.yaml',
    `
upstreams: { customers: ${upstream}, offers: ${upstream} }
composites:
  overview:
    get: /customers/{id}/overview
    params: { id: { pattern: '^c-' }, limit: { type: integer, default: 5 } }
    partialStatus: 206
    parts:
      customer: { upstream: customers, get: '/customers/{id}', required: true }
      offers: { upstream: offers, get: '/offers{?tier,limit}', values: { tier: customer.tier }, fallback: [] }
  order:
    post: /orders
    forward: { body: true }
    parts:
      placed: { upstream: customers, post: /orders, required: true }
`,
  );
}

async function inShop(command: string, ...args: readonly string[]): Promise<Ended> {
  return tributary([command, ...args, '--config', await storefront()]);
}

describe('tributary', () => {
  it('says what it can do, in 80 columns', async () => {
    const { code, stdout } = await tributary(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "npx tributary COMMAND: the composites of a gateway file, from the shell

        check                        is the file right? all its mistakes at once
        plan NAME                    what a composite asks for, in which order, and
                                     what that costs at worst
        call NAME [key=value ...]    ask for a composite once, and see where the time
                                     goes
        matrix NAME [key=value ...]  what it answers when its upstreams are down,
                                     slow, or talk nonsense
        run                          serve the composites of the file
        schema                       the JSON Schema of the file, for editors

      Each reads gateway.yaml, or what $GATEWAY_CONFIG or --config FILE names.
      More of each: npx tributary COMMAND --help; which release it is: --version
      "
    `);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('says so on stderr where nothing was asked', async () => {
    expect(await tributary([])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('plan NAME') as string,
    });
  });

  it.each(['check', 'plan', 'call', 'matrix', 'run', 'schema'])(
    'explains %s, in 80 columns',
    async (command) => {
      const { code, stdout } = await tributary([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`npx tributary ${command}`);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  it.each([
    [['paln'], 'unknown command paln; did you mean plan?'],
    [['--json'], 'found --json; expected a command first'],
    [['check', '--jsn'], 'unknown option --jsn; did you mean --json?'],
    [['check', '-x'], 'unknown option -x; there is --config, --json, --help'],
    [['check', '-c'], 'unknown option -c; did you mean --config?'],
    [['check', '-c', 'gateway.yaml'], 'unknown option -c; did you mean --config?'],
    [
      ['plan', 'x', '--json', '--format', 'mermaid'],
      'found --json and --format mermaid; expected one of them',
    ],
    [['plan', 'x', '--format', 'text', '--json'], 'found --json and --format text; expected one of them'],
    [['run', '--port', 'http'], 'found --port http; expected a port from 0 to 65535'],
    [['run', '--management-port', '65536'], 'found --management-port 65536; expected a port'],
    [['run', '--port=-1'], 'found --port -1; expected a port'],
    [['check', '--json=yes'], 'found a value for --json, which takes none'],
    [['check', '--config'], '--config needs a value: --config FILE'],
    [['check', '--config', '--json'], '--config needs a value: --config FILE'],
    [['check', '--config', 'a', '--config', 'b'], 'found --config a second time'],
    [['check', 'more'], `found 'more', which means nothing here`],
    [['plan', '--format', 'mermiad'], 'unknown format mermiad; did you mean mermaid?'],
  ])('takes no %j', async (args, message) => {
    const { code, stdout, stderr } = await tributary(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('says which release it is', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { readonly version: string };
    expect(await tributary(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('reads the file that GATEWAY_CONFIG names, unless --config names another', async () => {
    const terminal = new WrittenTerminal({ GATEWAY_CONFIG: await storefront() });
    expect((await tributary(['check'], terminal)).code).toBe(0);
    expect((await tributary(['check', '--config', 'elsewhere.yaml'], terminal)).stderr).toContain(
      'elsewhere.yaml',
    );
  });
});

describe('tributary check', () => {
  it('says what is in a file that is right', async () => {
    const { code, stdout, stderr } = await inShop('check');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('storefront.yaml: 2 upstreams, 2 composites, no warnings');
    expect(stdout).toMatch(/overview {2}GET \/customers\/\{id\}\/overview {2}2 parts/);
  });

  it('says everything that is wrong with one that is not, on stderr', async () => {
    const broken = await file('broken.yaml', 'upstreams: { a: { url: http://a, crticial: true }, b: {} }\n');
    const { code, stdout, stderr } = await tributary(['check', '--config', broken]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining(
        'broken.yaml:1:34  upstreams.a.crticial: unknown key; did you mean critical?',
      ) as string,
      expect.stringContaining('upstreams.b.url: is missing') as string,
    ]);
  });

  it('says the same to programs', async () => {
    const broken = await file('broken.yaml', 'upstreams: { a: { url: http://a, crticial: true } }\n');
    const { code, stdout } = await tributary(['check', '--json', '--config', broken]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      ok: false,
      file: broken,
      problems: [
        { line: 1, column: 34, path: 'upstreams.a.crticial', message: 'unknown key; did you mean critical?' },
      ],
      warnings: [],
    });
    const good = await inShop('check', '--json');
    expect({ code: good.code, ...JSON.parse(good.stdout) }).toMatchObject({
      code: 0,
      ok: true,
      problems: [],
    });
  });

  it('says so to programs too where the file cannot be read', async () => {
    for (const [unread, message] of [
      [join(folder, 'nowhere.yaml'), 'there is no such file'],
      [folder, 'cannot be read (EISDIR)'],
    ] as const) {
      const { code, stdout, stderr } = await tributary(['check', '--json', '--config', unread]);
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        ok: false,
        file: unread,
        problems: [{ path: '', message: expect.stringContaining(message) as string }],
      });
    }
  });

  it('warns of what is right but probably not meant', async () => {
    const slow = await file(
      'slow.yaml',
      `
upstreams: { a: { url: http://a } }
composites:
  one: { get: /one, parts: { it: { upstream: a, get: /, within: 200ms, required: true } } }
`,
    );
    const { code, stdout } = await tributary(['check', '--config', slow]);
    expect(code).toBe(0);
    expect(stdout).toContain('1 warning\n');
    expect(stdout).toContain('! one.it: within (200 ms) comes before an attempt times out (1 s)');
    const { stdout: json } = await tributary(['check', '--json', '--config', slow]);
    expect(JSON.parse(json)).toMatchObject({ ok: true, warnings: [{ composite: 'one', part: 'it' }] });
  });
});

describe('tributary plan', () => {
  it('prints text, a flowchart or JSON', async () => {
    expect((await inShop('plan', 'overview')).stdout).toMatch(/^overview: GET \/customers/);
    expect((await inShop('plan', 'overview', '--format', 'mermaid')).stdout).toMatch(/^flowchart LR\n/);
    expect(JSON.parse((await inShop('plan', 'overview', '--json')).stdout)).toMatchObject({
      name: 'overview',
    });
  });

  it('knows the composite that was meant', async () => {
    expect((await inShop('plan', 'overveiw')).stderr).toContain('did you mean overview?');
    expect((await inShop('plan')).stderr).toContain('which composite? There is overview, order');
  });
});

describe('tributary schema', () => {
  it('prints the JSON Schema of the file', async () => {
    const { code, stdout } = await tributary(['schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });
});

describe('tributary call', () => {
  it('prints the answer, and on stderr the timeline of its parts', async () => {
    const { code, stdout, stderr } = await inShop(
      'call',
      'overview',
      'id=c-1',
      '--header',
      'x-request-id: mine',
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      customer: { id: 'c-1', tier: 'gold' },
      offers: [{ title: 'kettle' }],
    });
    expect(shop.seen.map(({ url }) => url)).toEqual(['/customers/c-1', '/offers?tier=gold&limit=5']);
    expect(shop.seen[0]?.headers).toMatchObject({ 'x-request-id': 'mine' });
    expect(stderr).toMatch(/^\nGET \/customers\/c-1\/overview\n200 complete in \d+ ms\n/);
    expect(stderr).toMatch(/^ {2}customer {2}ok +\+\d+ +\d+ ms +[━╸]+$/m);
    expect(stderr).toMatch(/^ {2}offers {4}ok +\+\d+ +\d+ ms +[━╸]+$/m);
    expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('exits with 3 for a partial answer, and says what is missing and why', async () => {
    offersStatus = 503;
    const { code, stdout, stderr } = await inShop('call', 'overview', 'id=c-1');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ offers: [] });
    expect(stderr).toContain('206 partial in');
    expect(stderr).toMatch(/^ {2}offers {4}fallback status +\+\d+/m);
  });

  it('exits with 1 for one that failed, and prints the problem', async () => {
    const { code, stdout, stderr } = await inShop('call', 'overview', 'id=c-404');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 404, part: 'customer', reason: 'status' });
    expect(stderr).toMatch(/404 failed in/);
    expect(stderr).toMatch(/^ {2}customer {2}failed status/m);
  });

  it('has its parameters checked as those of any request', async () => {
    const { code, stdout } = await inShop('call', 'overview', 'id=x');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 400 });
    expect(shop.seen).toEqual([]);
  });

  it.each([
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['../../x', '..%2F..%2Fx'],
  ])('asks the composite itself, even where a parameter is %s', async (id, written) => {
    const { code, stdout, stderr } = await inShop('call', 'overview', `id=${id}`);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 400, errors: [{ in: 'path', name: 'id' }] });
    expect(stderr).toContain(`GET /customers/${written}/overview\n`);
  });

  it('asks for some fields only, and puts the report into the answer', async () => {
    const { stdout } = await inShop('call', 'overview', 'id=c-1', '--fields', 'customer.id', '--report');
    expect(JSON.parse(stdout)).toMatchObject({
      customer: { id: 'c-1' },
      _composite: { complete: true, parts: { customer: { state: 'ok' } } },
    });
    expect(shop.seen.map(({ url }) => url)).toEqual(['/customers/c-1']);
  });

  it('sends a body from the line, a file or stdin', async () => {
    const body = await file('order.json', '{"from":"a file"}');
    await inShop('call', 'order', '--body', '{"from":"the line"}');
    await inShop('call', 'order', '--body', `@${body}`);
    const terminal = new WrittenTerminal({}, '{"from":"stdin"}');
    await tributary(['call', 'order', '--body', '@-', '--config', await storefront()], terminal);
    expect(shop.seen.map(({ body: sent }) => sent)).toEqual([
      '{"from":"the line"}',
      '{"from":"a file"}',
      '{"from":"stdin"}',
    ]);
  });

  it.each([
    [['overview'], 'overview needs id=...'],
    [['overview', 'id=c-1', 'limt=3'], 'overview has no parameter limt; did you mean limit?'],
    [['overview', 'c-1'], `found 'c-1'; expected key=value`],
    [['overview', 'id=c-1', '--header', 'x'], `found --header 'x'; expected NAME:VALUE`],
    [
      ['overview', 'id=c-1', '--body', '{}'],
      'found --body, and overview (GET /customers/{id}/overview) takes no',
    ],
    [['order', '--body', '{'], 'found no JSON in {'],
    [['order', '--body', '@nowhere.json'], 'cannot read nowhere.json'],
  ])('makes no request of %j', async (args, message) => {
    const { code, stdout, stderr } = await inShop('call', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(shop.seen).toEqual([]);
  });
});

describe('why a part of tributary call failed', () => {
  const composites = `
composites:
  all:
    get: /all/{id}
    parts:
      whole: { upstream: shop, get: '/{id}' }
      status: { upstream: shop, get: /400 }
      flaky: { upstream: shop, get: /503 }
      text: { upstream: shop, get: /text }
      misfit:
        upstream: shop
        get: /order
        schema: { properties: { lines: { items: { properties: { sku: { type: string } } } } } }
      select: { upstream: shop, get: /order, select: 'abs(name)' }
      late: { upstream: shop, get: /late, within: 50ms }
      refused: { upstream: gone, get: / }
      items: { upstream: shop, get: '/400{?key}', forEach: 'whole.lines[].sku' }
  one: { get: /one, parts: { it: { upstream: gone, get: /, required: true } } }
  write: { post: /write, parts: { it: { upstream: shop, post: /400, required: true } } }
`;
  let server: RecordingServer;
  let path: string;

  beforeAll(async () => {
    server = await recordingServer((request, response) => {
      const url = request.url ?? '';
      if (url === '/late') return;
      const status = Number(/\d{3}/.exec(url)?.[0] ?? 200);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(url === '/text' ? 'secret' : '{"name":"secret","lines":[{"sku":7}]}');
    });
    const closed = await recordingServer(() => undefined);
    await closed.close();
    const retry = 'retry: { maxAttempts: 2, backoffBaseMs: 1, backoffCapMs: 1 }';
    path = await file(
      'failing.yaml',
      `upstreams: { shop: { url: '${server.origin}', ${retry} }, gone: { url: '${closed.origin}', retry: { maxAttempts: 1 } } }${composites}`,
    );
  });

  afterAll(() => server.close());

  it('stands below the timeline', async () => {
    const { code, stderr } = await tributary(['call', 'all', 'id=1', '--config', path]);
    expect(code).toBe(3);
    const lines = stderr.slice(stderr.lastIndexOf('\n\n')).trimEnd().split('\n').slice(2);
    expect(lines).toEqual([
      "  status   upstream 'shop' answered 400",
      "  flaky    upstream 'shop' answered 503 (2 attempts)",
      "  text     upstream 'shop': the answer is not JSON",
      "  misfit   upstream 'shop': the answer does not fit its schema at lines.0.sku",
      expect.stringMatching(/^ {2}select {3}upstream 'shop': select: abs\(\) /),
      expect.stringMatching(/^ {11}.*got text$/),
      "  late     upstream 'shop': no answer within 50 ms",
      "  refused  upstream 'gone' could not be reached: connection refused",
      "  items    upstream 'shop' answered 400",
    ]);
    expect(stderr).not.toContain('secret');
  });

  it('is said of a required one as well, and of none where all went well', async () => {
    const { stderr } = await tributary(['call', 'one', '--config', path]);
    expect(stderr).toMatch(/\n\n {2}it {2}upstream 'gone' could not be reached: connection refused\n$/);
    expect((await inShop('call', 'overview', 'id=c-1')).stderr).not.toContain('upstream');
  });

  it('counts the attempts of a write as well', async () => {
    const { stderr } = await tributary(['call', 'write', '--config', path]);
    expect(stderr).toMatch(/\n\n {2}it {2}upstream 'shop' answered 400\n$/);
  });

  it('leaves in no header and no body', async () => {
    const gateway = await InProcessGateway.start(loadGateway({ file: path, env: {} }));
    const told: string[] = [];
    for (const [url, accept] of [
      ['/all/1', 'application/json'],
      ['/one', 'application/json'],
      ['/all/1', 'text/event-stream'],
      ['/all/1', 'application/x-ndjson'],
    ] as const) {
      const headers = { accept, prefer: 'report=body' };
      const answer = await gateway.ask({ method: 'GET', url, headers });
      // What is sent part by part is on its way before its composite has ended.
      expect(answer.faults.length).toBe(accept !== 'application/json' ? 0 : url === '/one' ? 1 : 8);
      told.push(JSON.stringify(answer.headers), answer.text, JSON.stringify(answer.report));
    }
    await gateway.stop();
    for (const word of [
      'refused:',
      'not JSON',
      'lines.0',
      'answered 4',
      'within 50',
      'attempts',
      'detail":"up',
    ])
      expect(told.join('\n')).not.toContain(word);
    expect(told.join('\n')).not.toMatch(/upstream '|connection refused|abs\(\)|fault/);
  });
});

describe('tributary matrix', () => {
  it('prints a table, Markdown or JSON, and asks no upstream of the file', async () => {
    const only = ['overview', '--only', 'offers'];
    const table = await inShop('matrix', ...only);
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(
      /^ {2}offers {2}down +206 +offers fallback connect +offers: \[\] +no-store$/m,
    );
    expect((await inShop('matrix', ...only, '--format', 'markdown')).stdout).toContain(
      '| offers | down | 206 |',
    );
    const json = await inShop('matrix', ...only, '--format', 'json', '--answer', 'offers=[]');
    expect(JSON.parse(json.stdout)).toMatchObject({
      composite: 'overview',
      varied: ['offers'],
      answers: [
        {
          when: { offers: 'up' },
          status: 200,
          complete: true,
          shape: '{customer: {tier: string}, offers: []}',
        },
        { status: 206 },
        { status: 206 },
        { status: 206 },
        { status: 200 },
      ],
    });
    expect(shop.seen).toEqual([]);
  });

  it('knows the part that was meant', async () => {
    const { code, stderr } = await inShop('matrix', 'overview', '--only', 'ofers');
    expect(code).toBe(2);
    expect(stderr).toContain('unknown part ofers; did you mean offers?');
  });
});
