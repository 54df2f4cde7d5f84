import { type LatencySeries } from '../console-state.js';
import { sparkGeometry, stepAt, stepX } from './spark-geometry.js';

function series(p95Ms: (number | null)[], errors: number[] = p95Ms.map(() => 0)): LatencySeries {
  return {
    stepMs: 5_000,
    calls: p95Ms.map((ms) => (ms === null ? 0 : 10)),
    errors,
    p50Ms: p95Ms.map((ms) => (ms === null ? null : ms / 2)),
    p95Ms,
    p99Ms: p95Ms.map((ms) => (ms === null ? null : ms * 2)),
  };
}

describe('the geometry of a sparkline', () => {
  it('draws p95 as a line and p50 up to p99 as a closed band around it', () => {
    const { line, band, topMs } = sparkGeometry(series([50, 100, 50]));

    expect(topMs).toBe(200);
    expect(line).toBe('M0 65.5L50 45L100 65.5');
    expect(band).toBe('M0 45L50 4L100 45L100 75.75L50 65.5L0 75.75Z');
  });

  it('leaves a gap where nothing was measured, and a dot where a step stands alone', () => {
    const { line, dots } = sparkGeometry(series([50, 50, null, 50, null]));

    expect(line.match(/M/g)).toHaveLength(1);
    expect(dots.map(({ x }) => x)).toEqual([75]);
  });

  it('has an upper edge that moves only from one round number to the next', () => {
    expect([51, 60, 74].map((ms) => sparkGeometry(series([ms, ms])).topMs)).toEqual([150, 150, 150]);
    expect(sparkGeometry(series([0, 0])).topMs).toBe(1);
  });

  it('knows nothing of a series without a measurement, and draws nothing', () => {
    expect(sparkGeometry(series([null, null]))).toEqual({
      band: '',
      line: '',
      dots: [],
      errors: [],
      topMs: null,
    });
  });

  it('marks errors by their share, those of calls that were never answered as well', () => {
    const { errors } = sparkGeometry(series([50, 50, null], [0, 5, 3]));

    expect(errors).toEqual([
      { x: 50, height: 57 },
      { x: 100, height: 100 },
    ]);
  });

  it('finds the step that lies nearest to a place', () => {
    expect([-3, 0, 12, 13, 100, 140].map((x) => stepAt(x, 5))).toEqual([0, 0, 0, 1, 4, 4]);
    expect([0, 1, 2, 3, 4].map((step) => stepAt(stepX(step, 5), 5))).toEqual([0, 1, 2, 3, 4]);
  });
});
