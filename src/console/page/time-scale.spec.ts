import { spanOnScale, timeScale } from './time-scale.js';

describe('the scale of a waterfall', () => {
  it.each([
    [47.3, [0, 10, 20, 30, 40]],
    [277, [0, 100, 200]],
    [1_000, [0, 200, 400, 600, 800, 1_000]],
    [0.8, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])('has round ticks up to %d ms', (longestMs, ticksMs) => {
    expect(timeScale(longestMs).ticksMs).toEqual(ticksMs);
  });

  it('places a span, which can always be seen and never leaves it', () => {
    const scale = timeScale(200);

    expect(spanOnScale(scale, 50, 100)).toEqual({ left: 25, width: 50 });
    expect(spanOnScale(scale, 10, 0)).toEqual({ left: 5, width: 0.6 });
    expect(spanOnScale(scale, 150, 900)).toEqual({ left: 75, width: 25 });
    expect(spanOnScale(scale, 400, 10)).toEqual({ left: 99.4, width: 0.6 });
  });
});
