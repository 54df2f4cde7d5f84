import { type JsonObject } from './json-object.js';

/** An event, and what of the response it brings. */
interface UnreadEvent {
  readonly event: string;
  readonly rest: object;
  readonly data: Map<string, unknown>;
}

/** The event that is sent next. */
export interface NextEvent {
  readonly event: string;
  /** What there is to say, with `data` below it unless it brings nothing. */
  readonly body: object;
}

/**
 * Events that are not sent yet, in their order. A key of the response that several of them bring stands, as it is by then,
 * in the last of those only: all of them together hold no more than the response does.
 */
export class UnreadEvents {
  private readonly events: UnreadEvent[] = [];
  /** By key of the response, what the event that brings it will bring. */
  private readonly latest = new Map<string, Map<string, unknown>>();

  get isEmpty(): boolean {
    return this.events.length === 0;
  }

  /** @param data keys of the response that the event brings. */
  add(event: string, rest: object, data: JsonObject = {}): void {
    const brought = new Map<string, unknown>(Object.entries(data));
    for (const key of brought.keys()) {
      this.latest.get(key)?.delete(key);
      this.latest.set(key, brought);
    }
    this.events.push({ event, rest, data: brought });
  }

  /** The first of them, which is here no longer. */
  take(): NextEvent | undefined {
    const next = this.events.shift();
    if (next === undefined) return undefined;
    const { event, rest, data } = next;
    if (data.size === 0) return { event, body: rest };
    for (const key of data.keys()) this.latest.delete(key);
    return { event, body: { ...rest, data: Object.fromEntries(data) } };
  }
}
