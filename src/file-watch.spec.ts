import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './aggregation/testing/eventually.js';
import { FileWatch } from './file-watch.js';

let directory: string;
let file: string;
let known: string | undefined;
let taken: (string | undefined)[];
let watch: FileWatch | undefined;
/** What the file holds, as whoever is told of a change finds it. */
let text: string | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tributary-watch-'));
  file = join(directory, 'gateway.yaml');
  taken = [];
  write('one');
  known = 'one';
});

afterEach(() => {
  watch?.stop();
  rmSync(directory, { recursive: true });
});

function write(now: string): void {
  text = now;
  writeFileSync(file, now);
}

function watching(path = file): FileWatch {
  watch = new FileWatch({
    file: path,
    intervalMs: 10,
    known: () => known,
    onChange: () => {
      taken.push(text);
      known = text;
      return Promise.resolve();
    },
  });
  watch.start();
  return watch;
}

describe('a watched file', () => {
  it('is taken when it holds another text', async () => {
    watching();
    write('two');
    await eventually(() => taken.length === 1);
    write('three');
    await eventually(() => taken.length === 2);
    expect(taken).toEqual(['two', 'three']);
  });

  it('is taken when it was changed before anybody watched', async () => {
    known = 'an earlier one';
    watching();
    await eventually(() => taken.length === 1);
  });

  it('is taken when another one is put in its place, as editors do', async () => {
    watching();
    const beside = join(directory, '.gateway.yaml.swp');
    text = 'two';
    writeFileSync(beside, text);
    renameSync(beside, file);
    await eventually(() => taken.length === 1);
  });

  it('is taken when a link on the way to it is turned, as Kubernetes does', async () => {
    for (const version of ['one', 'two']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'gateway.yaml'), version);
    }
    symlinkSync('one', join(directory, '..data'));
    symlinkSync(join('..data', 'gateway.yaml'), join(directory, 'mounted.yaml'));
    watching(join(directory, 'mounted.yaml'));
    symlinkSync('two', join(directory, '..data_tmp'));
    text = 'two';
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    await eventually(() => taken.length === 1);
  });

  it('is taken when it is gone, and when it is back', async () => {
    watching();
    text = undefined;
    rmSync(file);
    await eventually(() => taken.length === 1);
    write('one');
    await eventually(() => taken.length === 2);
    expect(taken).toEqual([undefined, 'one']);
  });

  it('is not taken before two looks have found the same', async () => {
    watching();
    // Each look finds another text, until the last one.
    let turn = 0;
    known = 'one';
    const looks: (string | undefined)[] = [];
    watch?.stop();
    watch = new FileWatch({
      file,
      intervalMs: 1,
      known: () => {
        looks.push(text);
        if (++turn < 5) write(`half ${turn}`);
        return known;
      },
      onChange: () => {
        taken.push(text);
        known = text;
        return Promise.resolve();
      },
    });
    watch.start();
    await eventually(() => taken.length === 1);
    expect(taken).toEqual(['half 4']);
    expect(looks.slice(0, 4)).toEqual(['one', 'half 1', 'half 2', 'half 3']);
  });

  it('is looked at no more once nobody wants to know', async () => {
    const stopped = watching();
    stopped.stop();
    write('two');
    const other = watching();
    await eventually(() => taken.length === 1);
    other.stop();
    expect(taken).toEqual(['two']);
  });
});
