import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseGateway } from '../src/composite/config/gateway.js';
import { valueAt } from '../src/upstream/config/configuration-source.js';

const root = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const page = read('docs/operating.md');

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert?: string; readonly labels?: { readonly severity?: string } }[];
  }[];
}

describe('docs/operating.md', () => {
  it('has every alert of the rules with its severity, and no other', () => {
    const { groups } = parse(read('deploy/prometheus/alerts.yml')) as Rules;
    const alerts = groups
      .flatMap(({ rules }) => rules)
      .filter(({ alert }) => alert !== undefined)
      .map(({ alert, labels }) => `${String(alert)} ${String(labels?.severity)}`);
    const documented = [...page.matchAll(/^\| (Tributary\w+) +\| (\w+) +\|/gm)].map(
      ([, alert, severity]) => `${String(alert)} ${String(severity)}`,
    );
    expect(documented.length).toBeGreaterThan(10);
    expect([...documented].sort()).toEqual([...alerts].sort());
  });

  it('shows pictures that are there, and links to pages that are', () => {
    const targets = [...page.matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)].map(([, target]) => String(target));
    expect(targets.length).toBeGreaterThan(5);
    expect(targets.filter((target) => !existsSync(join(root, 'docs', target)))).toEqual([]);
  });

  it('names settings that there are, with their defaults', () => {
    const { config } = parseGateway('upstreams: { a: { url: http://a } }');
    const rows = [...page.matchAll(/^\| `((?:telemetry|server)\.[\w.]+)`[^|]*\| ([^|]+?) +\|/gm)];
    expect(rows.length).toBeGreaterThan(7);
    for (const [, key = '', written = ''] of rows) {
      const value = valueAt(config, key.split('.'));
      expect([key, value]).not.toEqual([key, undefined]);
      const [first = ''] = written.split(/[,:] /);
      expect(`${key} ${first}`).toBe(
        `${key} ${value === null ? first : JSON.stringify(value).replaceAll('"', '')}`,
      );
      if (value === null) expect(first).toMatch(/^(?:null|none)$/);
    }
  });
});
