import { EventEmitter } from 'node:events';
import { type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { Admission } from '../resilience/admission.js';
import { VirtualClock } from '../resilience/virtual-clock.js';
import { ConnectionPlaces } from './connection-places.js';

class Bench {
  readonly admission = new Admission(
    { maxInFlight: null, defaultSharePercent: 100, sheddableSharePercent: 100, maxLoopDelayMs: null },
    new VirtualClock(),
    () => 0,
  );
  readonly socket = Object.assign(new EventEmitter(), { destroyed: false });
  private readonly places = new ConnectionPlaces(this.admission);

  request(): EventEmitter {
    const response = new EventEmitter();
    this.admission.tryAdmit('default');
    this.places.hold(this.socket as unknown as Socket, response as unknown as ServerResponse);
    return response;
  }
}

describe('the places of a connection', () => {
  it('come back one by one with its responses', () => {
    const bench = new Bench();
    const [first, second] = [bench.request(), bench.request()];
    first.emit('close');
    expect(bench.admission.inFlight).toBe(1);
    second.emit('close');
    expect(bench.admission.inFlight).toBe(0);
  });

  it('come back together when it ends, and not once more with the responses', () => {
    const bench = new Bench();
    const [first, second] = [bench.request(), bench.request()];
    first.emit('close');
    bench.socket.emit('close');
    expect(bench.admission.inFlight).toBe(0);
    second.emit('close');
    bench.socket.emit('close');
    expect(bench.admission.inFlight).toBe(0);
  });

  it('come back when the responses hear of the end before it does', () => {
    const bench = new Bench();
    const responses = [bench.request(), bench.request()];
    for (const response of responses) response.emit('close');
    bench.socket.emit('close');
    expect(bench.admission.inFlight).toBe(0);
  });

  it('are not kept on a connection that has ended already', () => {
    const bench = new Bench();
    bench.socket.destroyed = true;
    bench.request().emit('close');
    expect(bench.admission.inFlight).toBe(0);
  });

  it('cost one listener a connection, however many requests it carries', () => {
    const bench = new Bench();
    for (let request = 0; request < 100; request++) bench.request().emit('close');
    expect(bench.socket.listenerCount('close')).toBe(1);
  });
});
