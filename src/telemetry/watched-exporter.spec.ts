import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { WatchedExporter } from './watched-exporter.js';

type Result = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** The SDK keeps its codes to itself. */
const SUCCESS = { code: 0 } as unknown as Result;
const FAILURE = { code: 1 } as unknown as Result;

const SECRET = 'http://user:password@collector';

/** An exporter whose every export fails with what it is given; with nothing, it succeeds. */
class Scene {
  readonly clock = new VirtualClock();
  readonly lines: string[] = [];
  error: Error | undefined = Object.assign(new Error(`cannot reach ${SECRET}`), { code: 'ECONNREFUSED' });
  exported = 0;
  private readonly exporter: SpanExporter = {
    export: (_spans, done) => {
      this.exported++;
      done(this.error === undefined ? SUCCESS : { ...FAILURE, error: this.error });
    },
    shutdown: () => Promise.resolve(),
  };
  private readonly watched = new WatchedExporter(this.exporter, this.clock, (line) => this.lines.push(line));

  export(count: number): Promise<unknown> {
    const spans = Array.from({ length: count }, () => ({}) as ReadableSpan);
    return new Promise((resolve) => {
      this.watched.export(spans, resolve);
    });
  }
}

describe('an exporter that is watched', () => {
  it('says once that spans are lost, and a minute later how many more there were', async () => {
    const scene = new Scene();
    await scene.export(2);
    await scene.export(10);
    scene.clock.advance(59_999);
    await scene.export(10);
    expect(scene.lines).toEqual([
      'spans cannot be sent to telemetry.tracing.endpoint (ECONNREFUSED); 2 spans are lost',
    ]);
    scene.clock.advance(1);
    await scene.export(1);
    expect(scene.lines.slice(1)).toEqual([
      'spans cannot be sent to telemetry.tracing.endpoint (ECONNREFUSED); 21 spans are lost',
    ]);
  });

  it.each([
    [Object.assign(new Error(SECRET), { code: 401, data: SECRET }), 'status 401'],
    [new Error(SECRET), 'no usable answer'],
    [Object.assign(new Error('x'), { code: undefined }), 'no usable answer'],
  ])('names a code or a status, and nothing that could be secret', async (error, reason) => {
    const scene = new Scene();
    scene.error = error;
    await scene.export(1);
    expect(scene.lines).toEqual([
      `spans cannot be sent to telemetry.tracing.endpoint (${reason}); 1 span is lost`,
    ]);
  });

  it('is silent where they arrive', async () => {
    const scene = new Scene();
    scene.error = undefined;
    expect(await scene.export(3)).toEqual({ code: 0 });
    expect(scene.lines).toEqual([]);
  });

  it('does not make the request wait whose span filled the batch', async () => {
    const scene = new Scene();
    const done = scene.export(1);
    expect(scene.exported).toBe(0);
    await done;
    expect(scene.exported).toBe(1);
  });
});
