import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version of the package this file is installed with; `unknown` where it has been taken out of its package. */
export function packageVersion(): string {
  let folder = import.meta.dirname;
  while (folder !== dirname(folder)) {
    const { name, version } = manifestIn(folder);
    if (name === 'tributary' && version !== undefined) return version;
    folder = dirname(folder);
  }
  return 'unknown';
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
}

function manifestIn(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  } catch {
    return {};
  }
}
