import { parseGatewayConfig } from '../upstream/config/gateway-config.js';
import { refusingOrigin } from '../upstream/testing/spec-support.js';
import { OtlpReceiver } from './testing/otlp-receiver.js';
import { startTracing, type Tracing } from './tracing.js';

let receiver: OtlpReceiver;
let lines: string[];

beforeEach(async () => {
  receiver = await OtlpReceiver.start();
  lines = [];
});

afterEach(() => receiver.close());

/** Tracing as the file has it. */
function start(tracing: Readonly<Record<string, unknown>>): Promise<Tracing | undefined> {
  const { telemetry } = parseGatewayConfig(
    JSON.stringify({ telemetry: { tracing }, upstreams: { a: { url: 'http://a' } } }),
    { env: {} },
  );
  return startTracing(telemetry, { version: '1.2.3', warn: (line) => lines.push(line) });
}

function span(tracing: Tracing | undefined, name: string): void {
  tracing?.tracer.startSpan(name).end();
}

describe('tracing', () => {
  it('is not there without an endpoint', async () => {
    expect(await start({})).toBeUndefined();
  });

  it.each(['', '/', '/otlp', '/otlp/v1/traces'])('sends to the endpoint with the path %j', async (path) => {
    const tracing = await start({ endpoint: receiver.endpoint + path });
    span(tracing, 'one');
    await tracing?.stop();
    expect(receiver.spans.map(({ name }) => name)).toEqual(['one']);
    expect(receiver.requests.map(({ url }) => url)).toEqual([
      `${path.replace(/\/$/, '').replace('/v1/traces', '')}/v1/traces`,
    ]);
    expect(lines).toEqual([]);
  });

  it('samples as many as the file says', async () => {
    const none = await start({ endpoint: receiver.endpoint, samplePercent: 0 });
    for (let at = 0; at < 50; at++) span(none, 'none');
    const some = await start({ endpoint: receiver.endpoint, samplePercent: 50 });
    for (let at = 0; at < 200; at++) span(some, 'some');
    await Promise.all([none?.stop(), some?.stop()]);
    const count = receiver.spans.filter(({ name }) => name === 'some').length;
    // One run in ten thousand million goes beyond.
    expect(Math.abs(count - 100)).toBeLessThan(47);
    expect(receiver.spans).toHaveLength(count);
  });

  it('takes over what the environment says of the process, but not its name', async () => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = 'k8s.pod.name=gateway-7,service.name=other';
    const tracing = await start({ endpoint: receiver.endpoint });
    delete process.env['OTEL_RESOURCE_ATTRIBUTES'];
    span(tracing, 'one');
    await tracing?.stop();
    expect(receiver.resource).toMatchObject({
      'service.name': 'tributary',
      'service.version': '1.2.3',
      'k8s.pod.name': 'gateway-7',
    });
  });

  it('says so where nobody takes its spans', async () => {
    const refused = await OtlpReceiver.start(403);
    const tracing = await start({ endpoint: refused.endpoint });
    span(tracing, 'one');
    await tracing?.stop();
    await refused.close();
    expect(lines).toEqual([
      'spans cannot be sent to telemetry.tracing.endpoint (status 403); 1 span is lost',
    ]);
  });

  it('does not hold up a gateway that stops for a receiver that is gone', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    try {
      const tracing = await start({ endpoint: await refusingOrigin() });
      span(tracing, 'one');
      const stopped = tracing?.stop();
      // The exporter would try again for ten seconds.
      await jest.advanceTimersByTimeAsync(2_000);
      await stopped;
    } finally {
      jest.useRealTimers();
    }
  });
});
