import { type PlanPart } from '../console-state.js';

/** A plan as a drawing, in px: parts in layers by their longest path from a part that waits for nothing. */
export interface PlanLayout {
  readonly width: number;
  readonly height: number;
  /** All parts are equally wide. */
  readonly nodeWidth: number;
  readonly nodes: readonly PlacedPart[];
  readonly edges: readonly PlanEdge[];
}

export interface PlacedPart {
  readonly part: PlanPart;
  readonly x: number;
  readonly y: number;
}

export interface PlanEdge {
  readonly from: string;
  readonly to: string;
  /** For the `d` of a path. */
  readonly path: string;
}

export const NODE_HEIGHT = 72;
const NODE_WIDTH = 176;
/** Where that lets two parts stand beside each other on a phone. */
const LEAST_NODE_WIDTH = 150;

/** Between layers, and between the parts of one. */
const LAYER_GAP = { right: 64, down: 40 };
const GAP = 16;
/** Room for outlines around everything. */
const MARGIN = 3;
/** How often layers are put in order after each other; plans are small and settle at once. */
const SWEEPS = 4;

/**
 * Draws from left to right where the width suffices, else from top to bottom, with so many parts beside each other as
 * the width takes.
 */
export function layoutPlan(parts: readonly PlanPart[], width: number): PlanLayout {
  const layers = inOrder(layersOf(parts));
  const wide = layers.length * NODE_WIDTH + (layers.length - 1) * LAYER_GAP.right + 2 * MARGIN;
  return wide <= width ? fromLeftToRight(layers, parts) : fromTopToBottom(layers, parts, width);
}

/** The layer of each part is one more than that of the last part it waits for. A circle, which no plan has, is cut. */
export function layersOf(parts: readonly PlanPart[]): PlanPart[][] {
  const byName = new Map(parts.map((part) => [part.part, part]));
  const layers = new Map<string, number>();
  const layerOf = (part: PlanPart, path: ReadonlySet<string>): number => {
    const known = layers.get(part.part);
    if (known !== undefined) return known;
    const onPath = new Set(path).add(part.part);
    const before = part.needs
      .filter((need) => !onPath.has(need))
      .flatMap((need) => byName.get(need) ?? [])
      .map((need) => layerOf(need, onPath));
    const layer = Math.max(-1, ...before) + 1;
    layers.set(part.part, layer);
    return layer;
  };
  const found: PlanPart[][] = [];
  for (const part of parts) (found[layerOf(part, new Set())] ??= []).push(part);
  return found;
}

/** Each part close to those it waits for: fewer edges cross. */
function inOrder(layers: PlanPart[][]): PlanPart[][] {
  let ordered = layers;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const rank = new Map(ordered.flatMap((layer) => layer.map((part, n) => [part.part, n / layer.length])));
    ordered = ordered.map((layer, depth) => {
      if (depth === 0) return layer;
      const middle = (part: PlanPart): number => {
        const ranks = part.needs.flatMap((need) => rank.get(need) ?? []);
        return ranks.length === 0 ? 0 : ranks.reduce((sum, one) => sum + one, 0) / ranks.length;
      };
      return layer.toSorted((one, other) => middle(one) - middle(other));
    });
  }
  return ordered;
}

function fromLeftToRight(layers: readonly PlanPart[][], parts: readonly PlanPart[]): PlanLayout {
  const tallest = Math.max(0, ...layers.map(({ length }) => length));
  const height = extent(tallest, NODE_HEIGHT, GAP);
  const nodes = layers.flatMap((layer, depth) => {
    const top = (height - extent(layer.length, NODE_HEIGHT, GAP)) / 2;
    return layer.map((part, n) => ({
      part,
      x: MARGIN + depth * (NODE_WIDTH + LAYER_GAP.right),
      y: MARGIN + top + n * (NODE_HEIGHT + GAP),
    }));
  });
  const edges = edgesOf(nodes, parts, (from, to) => {
    const [x1, y1] = [from.x + NODE_WIDTH, from.y + NODE_HEIGHT / 2];
    const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
    const bend = Math.min((x2 - x1) / 2, LAYER_GAP.right);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  });
  const width = extent(layers.length, NODE_WIDTH, LAYER_GAP.right);
  return { width: width + 2 * MARGIN, height: height + 2 * MARGIN, nodeWidth: NODE_WIDTH, nodes, edges };
}

function fromTopToBottom(
  layers: readonly PlanPart[][],
  parts: readonly PlanPart[],
  width: number,
): PlanLayout {
  const room = width - 2 * MARGIN;
  const halfOfIt = Math.floor((room - GAP) / 2);
  const nodeWidth = halfOfIt >= LEAST_NODE_WIDTH ? Math.min(NODE_WIDTH, halfOfIt) : NODE_WIDTH;
  const beside = Math.max(1, Math.floor((room + GAP) / (nodeWidth + GAP)));
  const widest = Math.min(beside, Math.max(1, ...layers.map(({ length }) => length)));
  const across = extent(widest, nodeWidth, GAP);
  const nodes: PlacedPart[] = [];
  let y = MARGIN;
  for (const layer of layers) {
    for (let first = 0; first < layer.length; first += beside) {
      const row = layer.slice(first, first + beside);
      const left = (across - extent(row.length, nodeWidth, GAP)) / 2;
      for (const [n, part] of row.entries())
        nodes.push({ part, x: MARGIN + left + n * (nodeWidth + GAP), y });
      y += NODE_HEIGHT + GAP;
    }
    y += LAYER_GAP.down - GAP;
  }
  const edges = edgesOf(nodes, parts, (from, to) => {
    const [x1, y1] = [from.x + nodeWidth / 2, from.y + NODE_HEIGHT];
    const [x2, y2] = [to.x + nodeWidth / 2, to.y];
    const bend = Math.max(12, Math.min((y2 - y1) / 2, LAYER_GAP.down));
    return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
  });
  return {
    width: across + 2 * MARGIN,
    height: Math.max(0, y - LAYER_GAP.down) + MARGIN,
    nodeWidth,
    nodes,
    edges,
  };
}

function edgesOf(
  nodes: readonly PlacedPart[],
  parts: readonly PlanPart[],
  path: (from: PlacedPart, to: PlacedPart) => string,
): PlanEdge[] {
  const placed = new Map(nodes.map((node) => [node.part.part, node]));
  return parts.flatMap(({ part, needs }) =>
    needs.flatMap((need) => {
      const [from, to] = [placed.get(need), placed.get(part)];
      return from === undefined || to === undefined ? [] : [{ from: need, to: part, path: path(from, to) }];
    }),
  );
}

function extent(count: number, size: number, gap: number): number {
  return count === 0 ? 0 : count * size + (count - 1) * gap;
}
