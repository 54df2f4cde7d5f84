import { VirtualClock } from '../../resilience/virtual-clock.js';
import { LogOutput } from './log-output.js';
import { KeptStream } from './testing/kept-stream.js';

let clock: VirtualClock;
let stream: KeptStream;
let output: LogOutput;

beforeEach(() => {
  clock = new VirtualClock();
  stream = new KeptStream();
  output = new LogOutput(stream, (dropped) => `${dropped} dropped\n`, clock);
});

const LINE = `${'x'.repeat(1023)}\n`;

describe('the output of the log', () => {
  it('writes the lines of a few milliseconds at once', () => {
    const write = jest.spyOn(stream, 'write');
    for (let n = 0; n < 20; n++) output.write(`${n}\n`);
    expect(write).not.toHaveBeenCalled();
    clock.advance(10);
    expect(write).toHaveBeenCalledTimes(1);
    expect(stream.lines).toHaveLength(20);
    expect(output.statistics).toEqual({ written: 20, dropped: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not wait with many', () => {
    for (let n = 0; n < 64; n++) output.write(LINE);
    expect(stream.lines).toHaveLength(64);
    expect(clock.pendingTimers).toBe(0);
  });

  it('holds no more than a MiB for a reader that is slow, and says what it has lost once it reads again', () => {
    stream.isStuck = true;
    output.write('first\n');
    clock.advance(10);
    const write = jest.spyOn(stream, 'write');
    for (let n = 0; n < 5_000; n++) output.write(LINE);
    clock.advance(60_000);
    expect(write).not.toHaveBeenCalled();
    expect(output.statistics).toEqual({ written: 0, dropped: 5_000 - 1_024 });

    stream.take();
    expect(stream.lines).toHaveLength(1 + 1_024 + 1);
    expect(stream.lines.at(-1)).toBe('3976 dropped');
    output.write('last\n');
    clock.advance(10);
    expect(stream.lines.at(-1)).toBe('last');
    expect(output.statistics).toEqual({ written: 1_026, dropped: 3_976 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('tries a stream that fails again each second, and says what that has cost', () => {
    stream.error = new Error('EPIPE');
    const write = jest.spyOn(stream, 'write');
    for (let ms = 0; ms < 5_000; ms += 100) {
      output.write(`at ${ms}\n`);
      clock.advance(100);
    }
    expect(write.mock.calls.length).toBeLessThanOrEqual(6);
    stream.error = null;
    clock.advance(1_000);
    const { dropped } = output.statistics;
    expect(dropped).toBeGreaterThan(0);
    expect(stream.lines.at(-1)).toBe(`${dropped} dropped`);
    expect(stream.lines.length - 1 + dropped).toBe(50);
    expect(clock.pendingTimers).toBe(0);
  });

  it('takes a stream that throws for one that fails', () => {
    jest.spyOn(stream, 'write').mockImplementationOnce(() => {
      throw new Error('ENOSPC');
    });
    output.write('lost\n');
    clock.advance(10);
    clock.advance(1_000);
    expect(stream.lines).toEqual(['1 dropped']);
  });

  it('says when everything is written, and does not wait for it for ever', async () => {
    output.write('one\n');
    await output.drained(1_000);
    expect(stream.lines).toEqual(['one']);

    stream.isStuck = true;
    output.write('two\n');
    const drained = output.drained(1_000);
    stream.take();
    await drained;

    stream.isStuck = true;
    output.write('three\n');
    const given = output.drained(1_000);
    clock.advance(1_000);
    await given;
  });
});
