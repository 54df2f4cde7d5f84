import { type AsyncResource } from 'node:async_hooks';
import { Readable } from 'node:stream';

/** What a body needs of the exchange that fills it. */
export interface BodySource {
  /** Goes on reading from the socket. */
  resume(): void;
  /** The reader is gone: nobody wants the rest. */
  abandon(): void;
}

/**
 * A response body handed out at its headers. Reading it slowly slows the upstream down; destroying it ends
 * the request on the wire. Its events run in the async context of the subscriber.
 */
export class WireBody extends Readable {
  constructor(
    private readonly source: BodySource,
    private readonly context: AsyncResource,
  ) {
    super();
  }

  override _read(): void {
    this.source.resume();
  }

  // As http.IncomingMessage: an error that nobody listens for must not take the process down.
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.source.abandon();
    done(this.listenerCount('error') === 0 ? null : error);
  }

  /** Takes a chunk, or null for the end. False if the reader is behind and the socket should wait. */
  receive(chunk: Buffer | null): boolean {
    return this.context.runInAsyncScope(push, undefined, this, chunk);
  }

  fail(error: Error): void {
    this.context.runInAsyncScope(destroy, undefined, this, error);
  }
}

function push(body: WireBody, chunk: Buffer | null): boolean {
  return body.push(chunk);
}

function destroy(body: WireBody, error: Error): void {
  body.destroy(error);
}
