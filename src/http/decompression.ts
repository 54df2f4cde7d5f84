import { constants as buffer } from 'node:buffer';
import { type Duplex, Transform, type TransformCallback } from 'node:stream';
import {
  brotliDecompress,
  constants,
  createBrotliDecompress,
  createInflate,
  createInflateRaw,
  createUnzip,
  inflate,
  inflateRaw,
  unzip,
  type ZlibOptions,
} from 'node:zlib';

/** How a response body is unpacked. */
export type Encoding = 'gzip' | 'deflate' | 'br';

/** The content encodings understood here, for Accept-Encoding. */
export const ACCEPT_ENCODING = 'gzip, deflate, br';

// As stock axios: a gzip stream without its trailer is still read to its end. Brotli has no trailer to
// forget, so there a body that stops early is an error.
const LENIENT: ZlibOptions = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };

/** The encoding a Content-Encoding header names, or undefined if the body is not packed or not known. */
export function encodingOf(contentEncoding: string): Encoding | undefined {
  switch (contentEncoding.toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
    case 'compress':
    case 'x-compress':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    case 'br':
      return 'br';
    default:
      return undefined;
  }
}

/**
 * Unpacks a whole body off the event loop. Calls back with a RangeError of code ERR_BUFFER_TOO_LARGE once
 * the output passes `maxBytes`, and with zlib's error if the body is corrupt.
 */
export function decompress(
  encoding: Encoding,
  packed: Buffer,
  maxBytes: number,
  done: (error: Error | null, body: Buffer) => void,
): void {
  // zlib takes neither 0 nor more than a Buffer can hold.
  const maxOutputLength = Math.min(Math.max(maxBytes, 1), buffer.MAX_LENGTH);
  const limited = { ...LENIENT, maxOutputLength };
  switch (encoding) {
    case 'gzip':
      unzip(packed, limited, done);
      return;
    case 'deflate':
      (hasZlibHeader(packed) ? inflate : inflateRaw)(packed, limited, done);
      return;
    case 'br':
      brotliDecompress(packed, { maxOutputLength }, done);
      return;
  }
}

/** Unpacks a body as it streams by. */
export function decompressor(encoding: Encoding): Duplex {
  switch (encoding) {
    case 'gzip':
      return createUnzip(LENIENT);
    case 'deflate':
      return new AnyInflate();
    case 'br':
      return createBrotliDecompress();
  }
}

// RFC 9110 8.4.1.2: "deflate" is the zlib format, but some senders leave its two header bytes out.
function hasZlibHeader(packed: Buffer): boolean {
  return ((packed[0] ?? 0) & 0x0f) === 0x08;
}

/** Inflates both forms of "deflate", told apart by the first byte. */
class AnyInflate extends Transform {
  private inner: Duplex | undefined;

  override _transform(chunk: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    this.inner ??= this.open(chunk);
    this.inner.write(chunk, encoding, done);
  }

  override _flush(done: TransformCallback): void {
    if (this.inner === undefined) {
      done();
    } else {
      this.inner.once('end', done);
      this.inner.end();
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.inner?.destroy();
    done(error);
  }

  private open(first: Buffer): Duplex {
    const inner = hasZlibHeader(first) ? createInflate(LENIENT) : createInflateRaw(LENIENT);
    inner.on('data', (chunk: Buffer) => this.push(chunk));
    inner.on('error', (error) => this.destroy(error));
    return inner;
  }
}
