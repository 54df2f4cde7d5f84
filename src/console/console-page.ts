import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** In the order of preference. */
const ENCODINGS = ['br', 'gzip'] as const;
type Encoding = (typeof ENCODINGS)[number] | 'identity';

const compressed = {
  br: promisify<Buffer, Buffer>(brotliCompress),
  gzip: promisify<Buffer, Buffer>(gzip),
} as const;

/** A file of the page in one of the encodings it is kept in. */
export interface PageFile {
  readonly type: string;
  readonly encoding: Encoding;
  readonly etag: string;
  readonly body: Buffer;
}

type Encoded = Readonly<Record<Encoding, PageFile>>;

/**
 * The files of the console's page, as the build has left them in a folder. All of them are read when the first is asked
 * for, and kept, compressed too: together they are smaller than most answers of an API.
 */
export class ConsolePage {
  private files: Promise<ReadonlyMap<string, Encoded>> | undefined;

  constructor(private readonly folder: string) {}

  /**
   * @param acceptEncoding as the client sent it.
   * @returns undefined where there is no such file.
   */
  async file(name: string, acceptEncoding: string | undefined): Promise<PageFile | undefined> {
    const encoded = (await this.read()).get(name);
    const encoding = ENCODINGS.find((each) => accepts(each, acceptEncoding)) ?? 'identity';
    return encoded?.[encoding];
  }

  /** Whether the build has made a page at all. */
  async isBuilt(): Promise<boolean> {
    return (await this.read()).has('index.html');
  }

  private read(): Promise<ReadonlyMap<string, Encoded>> {
    this.files ??= this.readAll();
    return this.files;
  }

  private async readAll(): Promise<ReadonlyMap<string, Encoded>> {
    const names = await readdir(this.folder).catch(() => []);
    const files = names.flatMap((name) => {
      const type = TYPES[extname(name)];
      return type === undefined ? [] : [this.readOne(name, type)];
    });
    const read = new Map(await Promise.all(files));
    // Whoever builds it now need not start the gateway again.
    if (!read.has('index.html')) this.files = undefined;
    return read;
  }

  private async readOne(name: string, type: string): Promise<readonly [string, Encoded]> {
    const plain = await readFile(join(this.folder, name));
    const hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
    const file = (encoding: Encoding, etag: string, body: Buffer): PageFile => ({
      type,
      encoding,
      etag: `"${etag}"`,
      body,
    });
    const [br, gz] = await Promise.all([compressed.br(plain), compressed.gzip(plain)]);
    return [
      name,
      {
        identity: file('identity', hash, plain),
        br: file('br', `${hash}-br`, br),
        gzip: file('gzip', `${hash}-gzip`, gz),
      },
    ];
  }
}

/** Whether an `Accept-Encoding` names the encoding, and not with a weight of 0. */
function accepts(encoding: string, acceptEncoding = ''): boolean {
  return acceptEncoding.split(',').some((each) => {
    const [name = '', weight = ''] = each.toLowerCase().split(';');
    return name.trim() === encoding && !/^\s*q\s*=\s*0(?:\.0*)?\s*$/.test(weight);
  });
}
