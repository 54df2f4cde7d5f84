import { type Tracer } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

/** A real tracer whose spans stay here. */
export class SpanRecorder {
  readonly tracer: Tracer;
  private readonly exporter = new InMemorySpanExporter();

  constructor(sampler?: Sampler) {
    const spanProcessors = [new SimpleSpanProcessor({ exporter: this.exporter })];
    const provider = new TracerProvider(
      sampler === undefined ? { spanProcessors } : { spanProcessors, sampler },
    );
    this.tracer = provider.getTracer('test');
  }

  /** Those that have ended, in that order. */
  get ended(): readonly ReadableSpan[] {
    return this.exporter.getFinishedSpans();
  }

  /** The one span of that name. */
  named(name: string): ReadableSpan {
    const [span, ...others] = this.allNamed(name);
    if (span !== undefined && others.length === 0) return span;
    const names = this.ended.map((each) => each.name).join(', ');
    throw new Error(`expected one span '${name}' among ${names}`);
  }

  allNamed(name: string): readonly ReadableSpan[] {
    return this.ended.filter((span) => span.name === name);
  }
}

/** What calls made for the span say in their `traceparent`. */
export function traceparentFor(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}
