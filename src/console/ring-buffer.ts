/** The last so many of what was put into it. */
export class RingBuffer<T> {
  private readonly items: T[] = [];
  private next = 0;

  constructor(private readonly capacity: number) {}

  add(item: T): void {
    this.items[this.next] = item;
    this.next = (this.next + 1) % this.capacity;
  }

  oldestFirst(): T[] {
    return [...this.items.slice(this.next), ...this.items.slice(0, this.next)];
  }

  latestFirst(): T[] {
    return this.oldestFirst().reverse();
  }
}
