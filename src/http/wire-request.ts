import { type Readable } from 'node:stream';

/** One request as the wire needs it, and the limits it runs under. */
export interface WireRequest {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  /** In upper case. */
  readonly method: string;
  /** Name, value, name, value, ... */
  readonly headers: string[];
  readonly body: Buffer | string | Readable | null;
  /** Answer at the headers, with the body as a Readable. */
  readonly streamed: boolean;
  /** Unpack gzip, deflate and br. */
  readonly decompress: boolean;
  /** Milliseconds until the last body byte; 0 for no limit. */
  readonly timeoutMs: number;
  /** Redirects to follow; 0 hands the redirect to the caller, undefined stands for 21. */
  readonly maxRedirects: number | undefined;
  /** More headers, in lower case, that another origin must not see. */
  readonly sensitiveHeaders: readonly string[];
  /** Body bytes as sent, for bodies that are buffered. */
  readonly maxWireBytes: number;
  /** Body bytes once unpacked, for bodies that are buffered. */
  readonly maxBufferedBytes: number;
  /** Body bytes once unpacked, for streamed bodies; -1 for no limit. */
  readonly maxStreamedBytes: number;
}
