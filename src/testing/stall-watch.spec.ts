import { StallWatch } from './stall-watch.js';

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('a stall watch', () => {
  it('knows for how long the process stood still, and since when', async () => {
    const watch = new StallWatch();
    const before = performance.now();
    block(60);
    await new Promise((looked) => setTimeout(looked, 10));
    const after = performance.now();
    expect(watch.longestSince(before)).toBeGreaterThanOrEqual(50);
    expect(watch.longestSince(after)).toBe(0);
    watch.stop();
  });

  it('knows of one that has not ended before it is asked', () => {
    const watch = new StallWatch();
    const before = performance.now();
    block(60);
    expect(watch.longestSince(before)).toBeGreaterThanOrEqual(50);
    watch.stop();
  });
});
