import { LoopDelaySampler } from './loop-delay.js';
import { VirtualClock } from './virtual-clock.js';

function sampling(): { clock: VirtualClock; samples: number[]; sampler: LoopDelaySampler } {
  const clock = new VirtualClock();
  const samples: number[] = [];
  const sampler = new LoopDelaySampler(clock, (delayMs) => samples.push(delayMs));
  return { clock, samples, sampler };
}

describe('LoopDelaySampler', () => {
  it('finds no delay in a loop that keeps time, ten times a second', () => {
    const { clock, samples, sampler } = sampling();
    sampler.start();
    clock.advance(1_000);
    expect(samples).toEqual(new Array(10).fill(0));
  });

  it('finds how long the loop was blocked past the sample', () => {
    const { clock, samples, sampler } = sampling();
    sampler.start();
    clock.advance(60);
    clock.block(300);
    clock.advance(0);
    expect(samples).toEqual([260]);
    clock.advance(100);
    expect(samples).toEqual([260, 0]);
  });

  it('has one timer however often it is started, and none when it is stopped', () => {
    const { clock, samples, sampler } = sampling();
    sampler.start();
    sampler.start();
    expect(clock.pendingTimers).toBe(1);
    sampler.stop();
    expect(clock.pendingTimers).toBe(0);
    clock.advance(1_000);
    expect(samples).toEqual([]);
  });

  it('may be stopped by who hears of a sample', () => {
    const clock = new VirtualClock();
    const sampler = new LoopDelaySampler(clock, () => {
      sampler.stop();
    });
    sampler.start();
    clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
  });
});
