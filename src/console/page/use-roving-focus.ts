import { useState } from 'preact/hooks';
import { nextItem } from './next-item.js';

/** How the items of a list are reached with the keyboard: Tab enters at one of them, arrow keys go on from there. */
export interface RovingFocus {
  /** 0 for the item at which Tab enters, -1 for the others. */
  readonly tabIndexOf: (item: string) => 0 | -1;
  /** For the `onFocusIn` of an item, so that Tab comes back to where one was. */
  readonly entered: (item: string) => void;
  /** For the `onKeyDown` of the list. Its items are the elements with `data-item`. */
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/**
 * @param items what there is, by the `data-item` of its element
 * @param onMove told of the item that an arrow key has led to
 */
export function useRovingFocus(items: readonly string[], onMove?: (item: string) => void): RovingFocus {
  const [current, setCurrent] = useState<string | null>(null);
  const entry = current !== null && items.includes(current) ? current : (items[0] ?? null);

  return {
    tabIndexOf: (item) => (item === entry ? 0 : -1),
    entered: setCurrent,
    onKeyDown: (event) => {
      const target = event.target as HTMLElement;
      if (target.dataset['item'] === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
      const list = event.currentTarget as HTMLElement;
      const elements = [...list.querySelectorAll<HTMLElement>('[data-item]')];
      const boxes = elements.map((element) => element.getBoundingClientRect());
      const next = elements[nextItem(event.key, boxes, elements.indexOf(target))];
      const item = next?.dataset['item'];
      if (next === undefined || item === undefined) return;
      event.preventDefault();
      setCurrent(item);
      next.focus();
      onMove?.(item);
    },
  };
}
