import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What the whole page may weigh, gzipped. */
export const MOST_GZIPPED_BYTES = 100_000;

/** The files of the page, as the management port serves them. */
export const PAGE_FILES = ['index.html', 'console.js', 'console.css', 'icon.svg'] as const;

const BUNDLED = ['console.js', 'console.css'];

/** Its licence asks for this where it is passed on. */
const PREACT = '/*! Preact, Copyright (c) 2015-present Jason Miller, MIT License */';

/**
 * Bundles the console's page from `source` into `target`: the same bytes each time.
 *
 * @returns what each file weighs, gzipped, in bytes
 */
export async function bundleConsolePage(source: string, target: string): Promise<Map<string, number>> {
  await mkdir(target, { recursive: true });
  await build({
    absWorkingDir: source,
    entryPoints: ['console.tsx', 'console.css'],
    outdir: target,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['es2022'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    banner: { js: PREACT },
    tsconfigRaw: {},
    logLevel: 'warning',
  });
  const copied = PAGE_FILES.filter((file) => !BUNDLED.includes(file));
  await Promise.all(copied.map((file) => copyFile(join(source, file), join(target, file))));
  const weighed = PAGE_FILES.map(
    async (file) => [file, gzipSync(await readFile(join(target, file))).byteLength] as const,
  );
  return new Map(await Promise.all(weighed));
}
