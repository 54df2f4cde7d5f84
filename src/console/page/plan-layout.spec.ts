import fc from 'fast-check';
import { type PlanPart } from '../console-state.js';
import { layersOf, layoutPlan, NODE_HEIGHT } from './plan-layout.js';

const part = (name: string, ...needs: string[]): PlanPart => ({
  part: name,
  required: false,
  needs,
  upstreams: [name],
});

const names = (layers: PlanPart[][]): string[][] => layers.map((layer) => layer.map((one) => one.part));

/** Parts that wait only for parts before them, as in every plan. */
const plans = fc
  .array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 12 })
  .map((picks) =>
    picks.map((picked, n) => part(`p${n}`, ...new Set(n === 0 ? [] : picked.map((one) => `p${one % n}`)))),
  );

describe('the layers of a plan', () => {
  it('puts each part after the last one it waits for', () => {
    const parts = [part('d', 'b', 'a'), part('a'), part('b', 'a'), part('c')];

    expect(names(layersOf(parts))).toEqual([['a', 'c'], ['b'], ['d']]);
  });

  it('does not mind a part that waits for one which is not there, nor a circle', () => {
    expect(names(layersOf([part('a', 'gone')]))).toEqual([['a']]);
    expect(layersOf([part('a', 'b'), part('b', 'a')]).flat()).toHaveLength(2);
  });
});

describe('the layout of a plan', () => {
  it('goes from left to right where there is room, else from top to bottom', () => {
    const parts = [part('a'), part('b', 'a'), part('c', 'b')];
    const wide = layoutPlan(parts, 1_000).nodes;
    const narrow = layoutPlan(parts, 360).nodes;

    expect(new Set(wide.map(({ y }) => y)).size).toBe(1);
    expect(new Set(narrow.map(({ x }) => x)).size).toBe(1);
    expect(narrow.map(({ y }) => y)).toEqual(narrow.map(({ y }) => y).toSorted((one, other) => one - other));
  });

  it('draws no two edges across each other where parts can stand in the order of those they wait for', () => {
    const parts = [part('a'), part('b'), part('after-b', 'b'), part('after-a', 'a')];
    const { nodes } = layoutPlan(parts, 1_000);
    const y = (name: string): number => nodes.find((node) => node.part.part === name)!.y;

    expect(y('after-a')).toBeLessThan(y('after-b'));
  });

  it('has room for an empty plan', () => {
    expect(layoutPlan([], 500)).toMatchObject({ nodes: [], edges: [] });
  });

  it('shows every part and every edge within its bounds, and no part upon another, at any width', () => {
    fc.assert(
      fc.property(plans, fc.integer({ min: 320, max: 2_000 }), (parts, width) => {
        const { nodes, edges, nodeWidth, ...size } = layoutPlan(parts, width);
        expect(nodes.map((node) => node.part.part).sort()).toEqual(parts.map((one) => one.part).sort());
        expect(edges).toHaveLength(parts.reduce((sum, { needs }) => sum + needs.length, 0));
        expect(size.width).toBeLessThanOrEqual(width);
        for (const [n, one] of nodes.entries()) {
          expect(one.x).toBeGreaterThanOrEqual(0);
          expect(one.x + nodeWidth).toBeLessThanOrEqual(size.width);
          expect(one.y + NODE_HEIGHT).toBeLessThanOrEqual(size.height);
          for (const other of nodes.slice(n + 1)) {
            const apart = Math.abs(one.x - other.x) >= nodeWidth || Math.abs(one.y - other.y) >= NODE_HEIGHT;
            expect(apart).toBe(true);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
