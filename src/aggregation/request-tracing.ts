import { context, type Context, ROOT_CONTEXT, type SpanContext, SpanKind, trace } from '@opentelemetry/api';
import { createTraceState, type Tracer } from '@opentelemetry/api';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type IncomingHeaders } from '../upstream/request-context.js';
import { RecordedSpan } from '../upstream/tracing/recorded-span.js';
import { isTracestate, parseTraceparent } from '../upstream/tracing/trace-context.js';
import { PassedTrace, type Trace } from '../upstream/tracing/trace.js';
import { type CallerHintReader } from './caller-hints.js';
import { asDeclared } from './exchange-watch.js';
import { isUnder } from './request-priority.js';
import { type ServedRoutes } from './served-routes.js';

/** What an orchestrator asks every few seconds, for ever. */
const UNTRACED = '/health';

/**
 * Says which trace a request belongs to. A caller that is trusted is taken at its word: its trace goes on, sampled or
 * not as it decided. For any other one a trace of its own begins, which points to the one that was claimed.
 */
export class RequestTracing {
  constructor(
    /** Undefined where nothing is traced here. */
    private readonly tracer: Tracer | undefined,
    private readonly callers: CallerHintReader,
    private readonly served: ServedRoutes,
  ) {}

  get isOn(): boolean {
    return this.tracer !== undefined;
  }

  /** Begins what is recorded of a request; it ends with the response. */
  begin(request: FastifyRequest, reply: FastifyReply): Trace | undefined {
    const { tracer, served } = this;
    const declared = served.of(request);
    if (tracer === undefined || isUnder(declared, UNTRACED)) return undefined;
    const { method } = request;
    const route = asDeclared(declared);
    const { outside, links } = this.origin(request);
    // Where somebody else's instrumentation records the request, this is a step inside it.
    const kind = outside === ROOT_CONTEXT || isRemote(outside) ? SpanKind.SERVER : SpanKind.INTERNAL;
    const attributes = {
      'http.request.method': method,
      ...(route === undefined ? {} : { 'http.route': route }),
    };
    const name = route === undefined ? method : `${method} ${route}`;
    const begun = RecordedSpan.begin(tracer, name, { kind, attributes, links }, outside);
    const span = begun.recorded;
    if (span !== undefined) {
      span.set('url.scheme', request.protocol);
      span.set('tributary.request.id', request.id);
      reply.raw.once('close', () => {
        endRequest(span, request, reply);
      });
    }
    return begun;
  }

  /** The trace of a trusted caller, where none is made here: it is not to end at this gateway. */
  passedOn(headers: IncomingHeaders, address: string | undefined): Trace | undefined {
    const { traceparent } = headers;
    if (typeof traceparent !== 'string' || !this.callers.trusts(address)) return undefined;
    return PassedTrace.of({ traceparent, tracestate: tracestateOf(headers) });
  }

  private origin({ headers, raw }: FastifyRequest): {
    readonly outside: Context;
    readonly links: [] | [LinkTo];
  } {
    const active = context.active();
    if (trace.getSpanContext(active) !== undefined) return { outside: active, links: NO_LINKS };
    const { traceparent } = headers;
    const claimed = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    if (claimed === undefined) return { outside: ROOT_CONTEXT, links: NO_LINKS };
    if (!this.callers.trusts(raw.socket.remoteAddress))
      return { outside: ROOT_CONTEXT, links: [{ context: claimed }] };
    const tracestate = tracestateOf(headers);
    const parent =
      tracestate === undefined ? claimed : { ...claimed, traceState: createTraceState(tracestate) };
    return { outside: trace.setSpanContext(ROOT_CONTEXT, parent), links: NO_LINKS };
  }
}

interface LinkTo {
  readonly context: SpanContext;
}

const NO_LINKS: [] = [];

function isRemote(outside: Context): boolean {
  return trace.getSpanContext(outside)?.isRemote === true;
}

function tracestateOf({ tracestate }: IncomingHeaders): string | undefined {
  return typeof tracestate === 'string' && isTracestate(tracestate) ? tracestate : undefined;
}

function endRequest(span: RecordedSpan, { exchange }: FastifyRequest, { raw }: FastifyReply): void {
  const { headersSent, statusCode, writableFinished } = raw;
  if (!writableFinished) {
    // What runs for it ends now, and is to end before it.
    exchange?.clientLeft();
    span.set('tributary.client.left', true);
  }
  if (headersSent) span.set('http.response.status_code', statusCode);
  // What a client got wrong is not an error of the server's (OpenTelemetry's HTTP conventions).
  if (headersSent && statusCode >= 500) span.failed(String(statusCode));
  span.end();
}
