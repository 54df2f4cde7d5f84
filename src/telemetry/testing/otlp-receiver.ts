import { recordingServer, type RecordingServer } from '../../http/testing/recording-server.js';

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  /** Two for an error. */
  readonly status: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
}

type Written = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface Message {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Written };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly spans: readonly (Omit<ReceivedSpan, 'status' | 'attributes' | 'events'> & {
        readonly status: { readonly code: number };
        readonly attributes: Written;
        readonly events: readonly { readonly name: string }[];
      })[];
    }[];
  }[];
}

/** A receiver of OTLP over HTTP, in JSON. */
export class OtlpReceiver {
  private constructor(private readonly server: RecordingServer) {}

  /** @param status what it answers. */
  static async start(status = 200): Promise<OtlpReceiver> {
    const server = await recordingServer((_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
    return new OtlpReceiver(server);
  }

  get endpoint(): string {
    return this.server.origin;
  }

  /** The requests it got, as they came. */
  get requests(): RecordingServer['seen'] {
    return this.server.seen;
  }

  /** In the order they ended in. */
  get spans(): readonly ReceivedSpan[] {
    return this.messages
      .flatMap(({ resourceSpans }) => resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans)
      .map((span) => ({
        ...span,
        status: span.status.code,
        attributes: read(span.attributes),
        events: span.events.map(({ name }) => name),
      }));
  }

  /** Who sent them. */
  get resource(): Readonly<Record<string, unknown>> {
    const [first] = this.messages.flatMap(({ resourceSpans }) => resourceSpans);
    return read(first?.resource.attributes ?? []);
  }

  close(): Promise<void> {
    return this.server.close();
  }

  private get messages(): readonly Message[] {
    return this.server.seen.map(({ body }) => JSON.parse(body) as Message);
  }
}

function read(attributes: Written): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
