import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom, type Observable } from 'rxjs';
import { resolvePolicy } from '../src/upstream/config/policy.js';
import { parseGatewayConfig } from '../src/upstream/config/gateway-config.js';

const document = readFileSync(join(__dirname, '../docs/resilience.md'), 'utf8');
const MIB = 2 ** 20;

interface Row {
  readonly key: string;
  readonly byDefault: string;
}

/** The rows of all tables under this heading of the first column. */
function rowsUnder(heading: string): Row[] {
  const rows: Row[] = [];
  let inTable = false;
  for (const line of document.split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, key = '', , , byDefault = ''] = cells;
    if (cells.length < 6) inTable = false;
    else if (cells[2] === 'what') inTable = key === heading;
    else if (inTable && key.startsWith('`')) rows.push({ key: key.slice(1, -1), byDefault });
  }
  return rows;
}

/** `{ retry: { maxAttempts: 2 } }` as `retry.maxAttempts` and `2`. */
function leaves(value: object, prefix = ''): Row[] {
  return Object.entries(value).flatMap(([key, leaf]: [string, unknown]) => {
    const path = `${prefix}${key}`;
    if (typeof leaf === 'object' && leaf !== null && !Array.isArray(leaf)) return leaves(leaf, `${path}.`);
    return [{ key: path, byDefault: shown(path, leaf) }];
  });
}

function shown(key: string, value: unknown): string {
  return key.endsWith('Bytes') && typeof value === 'number' ? `${value / MIB} MiB` : String(value);
}

function sorted(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

describe('docs/resilience.md', () => {
  it('lists every knob of a policy once, with the default it has', () => {
    expect(sorted(rowsUnder('knob'))).toEqual(sorted(leaves(resolvePolicy())));
  });

  it('lists the keys of the gateway that go with them, with the defaults they have', () => {
    const { server, cache, upstreams } = parseGatewayConfig('upstreams: { any: { url: http://any } }');
    const { discovery, deadlineHeader, attemptCountHeader } = upstreams['any'] ?? {};
    const { admission } = server;
    const hints = { deadlineHeader, attemptCountHeader };

    expect(sorted(rowsUnder('key'))).toEqual(
      sorted([
        ...leaves({ cache }),
        ...leaves({ discovery, ...hints }, 'upstreams.<name>.'),
        ...leaves({ deadlineHeader: server.deadlineHeader }, 'server.'),
        ...leaves({ attemptCountHeader: server.attemptCountHeader }, 'server.'),
        { key: 'server.trustedCallers', byDefault: 'loopback and private networks' },
        ...leaves({ ...admission, priorities: 'none' }, 'server.admission.'),
      ]),
    );
  });
});

describe('the example of docs/resilience.md', () => {
  const root = join(__dirname, '..');
  const sandbox = join(__dirname, 'resilience-docs-sandbox');
  const file = join(sandbox, 'guards.ts');

  beforeAll(() => {
    const [, code = ''] = /```ts\n([^]*?)```/.exec(document) ?? [];
    mkdirSync(sandbox, { recursive: true });
    writeFileSync(
      file,
      `import { of } from 'rxjs';
${code.replace("'tributary/resilience'", "'../../src/resilience/index.js'")}
interface Row { readonly sql: string }
const database = { query: (sql: string) => of<Row[]>([{ sql }]) };
export { rows$ };
`,
    );
    writeFileSync(
      join(sandbox, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.json',
        compilerOptions: { rootDir: '../..', noEmit: true },
        include: ['.'],
      }),
    );
  });

  afterAll(() => {
    rmSync(sandbox, { recursive: true, force: true });
  });

  it('type-checks', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', sandbox], { encoding: 'utf8' });
    expect(stdout).toBe('');
  }, 60_000);

  it('answers what the query answers', async () => {
    const { rows$ } = (await import(file)) as { readonly rows$: Observable<unknown> };
    await expect(firstValueFrom(rows$)).resolves.toEqual([{ sql: 'select 1' }]);
  });
});
