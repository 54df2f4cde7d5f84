import { lastValueFrom } from 'rxjs';
import { type RecordingServer, recordingServer } from './testing/recording-server.js';
import { createUndiciHttpService, type UndiciHttpService } from './undici-http.service.js';

const BODY = 'x'.repeat(10_000);

let server: RecordingServer;
let http: UndiciHttpService;

beforeEach(async () => {
  server = await recordingServer((_request, response) => {
    response.end(BODY);
  });
  http = createUndiciHttpService({ pool: { connections: 1 } });
});

afterEach(async () => {
  await http.close();
  await server.close();
});

const post = (body: string) =>
  lastValueFrom(http.request({ method: 'POST', url: server.origin, data: body }));

describe('the traffic of a pool', () => {
  it('is nothing before the first request', () => {
    expect(http.traffic()).toEqual({
      openConnections: 0,
      openedConnections: 0,
      sentBytes: 0,
      receivedBytes: 0,
    });
  });

  it('is what went over its sockets, heads included', async () => {
    await post('y'.repeat(5_000));
    await post('y'.repeat(5_000));
    const { sentBytes, receivedBytes, ...connections } = http.traffic()!;
    expect(connections).toEqual({ openConnections: 1, openedConnections: 1 });
    expect(sentBytes).toBeGreaterThan(10_000);
    expect(sentBytes).toBeLessThan(11_000);
    expect(receivedBytes).toBeGreaterThan(20_000);
    expect(receivedBytes).toBeLessThan(21_000);
  });

  it('is kept when sockets close and others take their place', async () => {
    await post('y'.repeat(5_000));
    const before = http.traffic()!;
    http.renewPool({ connections: 1 });
    await post('y'.repeat(5_000));
    await http.close();
    expect(http.traffic()).toEqual({
      openConnections: 0,
      openedConnections: 2,
      sentBytes: 2 * before.sentBytes,
      receivedBytes: 2 * before.receivedBytes,
    });
  });
});
