import { PassThrough, type Readable, Transform, type TransformCallback } from 'node:stream';
import { AxiosError, type AxiosHeaders } from 'axios';

/** The `form-data` package, which axios makes of `postForm()`, seen from outside. */
interface NodeForm {
  getHeaders(): Record<string, string>;
  getLength(done: (error: Error | null, length?: number) => void): void;
  pipe(destination: PassThrough): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Makes bytes of what axios' request transforms left of `data`, setting the content headers that belong to
 * it. A spec FormData or a Blob is buffered; a stream stays a stream.
 * @throws AxiosError ERR_BAD_REQUEST if it cannot be sent, or is larger than `maxBytes` (-1: no limit)
 */
export async function encodeBody(
  data: unknown,
  headers: AxiosHeaders,
  maxBytes: number,
): Promise<Buffer | Readable | null> {
  if (data === undefined || data === null || data === '' || data === 0 || data === false) return null;
  if (isNodeForm(data)) return limited(await nodeFormBody(data, headers), maxBytes);
  if (isStream(data)) return limited(data, maxBytes);
  const body = await bufferOf(data, headers);
  if (maxBytes > -1 && body.length > maxBytes) throw tooLargeBody();
  return body;
}

async function bufferOf(data: unknown, headers: AxiosHeaders): Promise<Buffer> {
  if (typeof data === 'string') return Buffer.from(data);
  if (Buffer.isBuffer(data)) return data;
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  if (data instanceof FormData) {
    // The platform writes the multipart body; it also chooses the boundary.
    const form = new Response(data);
    headers.setContentType(form.headers.get('content-type') ?? 'multipart/form-data');
    return Buffer.from(await form.arrayBuffer());
  }
  if (data instanceof Blob) {
    if (data.size > 0) headers.setContentType(data.type === '' ? 'application/octet-stream' : data.type);
    return Buffer.from(await data.arrayBuffer());
  }
  throw new AxiosError(
    'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream',
    AxiosError.ERR_BAD_REQUEST,
  );
}

async function nodeFormBody(form: NodeForm, headers: AxiosHeaders): Promise<Readable> {
  headers.set(form.getHeaders());
  const length = await new Promise<number | undefined>((resolve) => {
    form.getLength((error, bytes) => {
      resolve(error === null ? bytes : undefined);
    });
  });
  if (length !== undefined) headers.set('Content-Length', String(length));
  // The package's streams predate Readable.
  const body = new PassThrough();
  form.on('error', (error) => body.destroy(error));
  form.pipe(body);
  return body;
}

function limited(body: Readable, maxBytes: number): Readable {
  if (maxBytes <= -1) return body;
  let bytes = 0;
  const limit = new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLargeBody());
      else done(null, chunk);
    },
  });
  body.on('error', (error) => limit.destroy(error));
  return body.pipe(limit);
}

function tooLargeBody(): AxiosError {
  return new AxiosError('Request body larger than maxBodyLength limit', AxiosError.ERR_BAD_REQUEST);
}

function isStream(data: unknown): data is Readable {
  return typeof data === 'object' && data !== null && typeof (data as Readable).pipe === 'function';
}

function isNodeForm(data: unknown): data is NodeForm {
  return isStream(data) && typeof (data as unknown as NodeForm).getHeaders === 'function';
}
