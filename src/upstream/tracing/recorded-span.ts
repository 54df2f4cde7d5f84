import {
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api';
import { type Trace, replaceTrace, UnrecordedTrace } from './trace.js';
import { traceparentOf } from './trace-context.js';

/** What a span is made of. */
export interface SpanOptions {
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links?: Link[];
}

/**
 * A span that is recorded, and from which those of what is done for it branch off. Only requests that are sampled have
 * any: elsewhere nothing is made.
 */
export class RecordedSpan implements Trace {
  private inside: Context | undefined;
  private ended = false;

  private constructor(
    readonly name: string,
    /** For code of its own that wants to add to it. */
    readonly otel: Span,
    private readonly tracer: Tracer,
    private readonly outside: Context,
  ) {}

  /** Begins a trace, or goes on with the one of `outside`, as the tracer's sampler decides. */
  static begin(tracer: Tracer, name: string, options: SpanOptions, outside: Context): Trace {
    const span = tracer.startSpan(name, options, outside);
    return span.isRecording() ? new RecordedSpan(name, span, tracer, outside) : new UnrecordedTrace(span);
  }

  get recorded(): this {
    return this;
  }

  get traceId(): string {
    return this.otel.spanContext().traceId;
  }

  get sampled(): boolean {
    return (this.otel.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
  }

  /** The OpenTelemetry context in which this span is the active one. */
  get context(): Context {
    return (this.inside ??= trace.setSpan(this.outside, this.otel));
  }

  /** Something that is done for it begins. */
  child(name: string, kind: SpanKind, attributes: Attributes): RecordedSpan {
    const span = this.tracer.startSpan(name, { kind, attributes }, this.context);
    return new RecordedSpan(name, span, this.tracer, this.context);
  }

  set(attribute: string, value: string | number | boolean): void {
    this.otel.setAttribute(attribute, value);
  }

  /** Something happened, now, that takes no time. */
  event(name: string, attributes: Attributes): void {
    if (!this.ended) this.otel.addEvent(name, attributes);
  }

  /** @param type of few kinds: a status, or the reason a report gives. */
  failed(type: string): void {
    this.otel.setAttribute('error.type', type);
    this.otel.setStatus({ code: SpanStatusCode.ERROR });
  }

  /** What is told afterwards is not part of it. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.otel.end();
  }

  addTo(headers: Record<string, string | false>): void {
    const spanContext = this.otel.spanContext();
    replaceTrace(headers, traceparentOf(spanContext), spanContext.traceState?.serialize());
  }
}
