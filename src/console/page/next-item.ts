/** Where an item of a list or a grid lies. */
export type Box = Pick<DOMRect, 'left' | 'top' | 'bottom'>;

/**
 * The item to which a key leads from another: left and right by their order, up and down by where they lie, so that a
 * list and a grid of any width work alike. -1 where it leads nowhere.
 */
export function nextItem(key: string, boxes: readonly Box[], index: number): number {
  switch (key) {
    case 'Home':
      return 0;
    case 'End':
      return boxes.length - 1;
    case 'ArrowRight':
      return index + 1 < boxes.length ? index + 1 : -1;
    case 'ArrowLeft':
      return index - 1;
    case 'ArrowDown':
      return nearest(boxes, index, (box, from) => box.top - from.bottom);
    case 'ArrowUp':
      return nearest(boxes, index, (box, from) => from.top - box.bottom);
    default:
      return -1;
  }
}

/** Boxes of a row overlap by this much at most, in px, and still are in different rows. */
const OVERLAP = 2;

/** Of those that lie beyond, the one in the nearest row, and there the one that is most in line. */
function nearest(boxes: readonly Box[], index: number, distance: (box: Box, from: Box) => number): number {
  const from = boxes[index];
  if (from === undefined) return -1;
  const beyond = boxes
    .map((box, n) => ({ n, away: distance(box, from), aside: Math.abs(box.left - from.left) }))
    .filter(({ n, away }) => n !== index && away >= -OVERLAP)
    .sort((one, other) => one.away - other.away || one.aside - other.aside);
  const row = beyond[0]?.away;
  if (row === undefined) return -1;
  const inRow = beyond.filter(({ away }) => away - row < OVERLAP);
  return inRow.reduce((best, one) => (one.aside < best.aside ? one : best)).n;
}
