import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleConsolePage, MOST_GZIPPED_BYTES, PAGE_FILES } from '../build/page-bundle.js';

const root = join(__dirname, '..');

describe('the page of the console', () => {
  let target: string;
  let weights: Map<string, number>;

  beforeAll(async () => {
    target = await mkdtemp(join(tmpdir(), 'tributary-page-'));
    weights = await bundleConsolePage(join(root, 'src/console/page'), target);
  });

  afterAll(async () => {
    await rm(target, { recursive: true });
  });

  const built = (file: string): Promise<string> => readFile(join(target, file), 'utf8');

  it('weighs less than 100 KB gzipped, all its files together', () => {
    const total = [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);

    expect([...weights.keys()]).toEqual([...PAGE_FILES]);
    expect(total).toBeLessThan(MOST_GZIPPED_BYTES);
  });

  it('is the same, byte by byte, as what npm run build has put into the package', async () => {
    for (const file of PAGE_FILES)
      expect({
        file,
        same: (await built(file)) === (await readFile(join(root, 'dist/src/console/page', file), 'utf8')),
      }).toEqual({ file, same: true });
  });

  it('asks for nothing beyond itself', async () => {
    const all = (await Promise.all(PAGE_FILES.map(built))).join('\n');
    const addresses = [...all.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([address]) => address);

    // Names of XML, which nobody fetches.
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    expect((await built('index.html')).match(/<script(?![^>]* src=)|<style| style=| on[a-z]+=/g)).toBeNull();
    // What refers to a place within the page itself may stay.
    expect(all.match(/@import|url\((?!#)/g)).toBeNull();
  });
});
