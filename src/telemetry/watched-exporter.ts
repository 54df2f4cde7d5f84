import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { type Clock } from '../resilience/clock.js';

/** So often, in ms, is it said that spans are being lost. */
const WARN_EVERY_MS = 60_000;

type Done = Parameters<SpanExporter['export']>[1];

/**
 * An exporter that says when nobody takes what it sends: at once, and then once a minute for as long as that lasts. The
 * line names a code or a status: an endpoint, its answer and the message of an error may all hold what is secret.
 */
export class WatchedExporter implements SpanExporter {
  private lost = 0;
  private warnedAt = -Infinity;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly clock: Clock,
    private readonly warn: (line: string) => void,
  ) {}

  /** Not now: it is a request's last span that fills a batch, and making a message of one takes some ms. */
  export(spans: ReadableSpan[], done: Done): void {
    setImmediate(() => {
      this.exporter.export(spans, (result) => {
        if (result.error !== undefined) this.failed(spans.length, result.error);
        done(result);
      });
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush?.() ?? Promise.resolve();
  }

  private failed(count: number, error: unknown): void {
    this.lost += count;
    const now = this.clock.now();
    if (now - this.warnedAt < WARN_EVERY_MS) return;
    this.warnedAt = now;
    const lost = this.lost === 1 ? '1 span is lost' : `${this.lost} spans are lost`;
    this.lost = 0;
    this.warn(`spans cannot be sent to telemetry.tracing.endpoint (${reasonOf(error)}); ${lost}`);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'number') return `status ${code}`;
  return typeof code === 'string' ? code : 'no usable answer';
}
