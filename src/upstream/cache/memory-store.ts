import { LRUCache } from 'lru-cache';
import { type AnswerKey, type AnswerStore } from './answer-store.js';
import { type KeptAnswer } from './kept-answer.js';

interface Entry {
  readonly uri: string;
  readonly answer: KeptAnswer;
}

/** URIs whose invalidation is remembered; what is asked for others meanwhile is not kept, to be sure. */
const MAX_INVALIDATIONS = 1_000;

/** What an entry takes besides its answer, in bytes: keys and bookkeeping. */
const ENTRY_BYTES = 512;

/**
 * Keeps answers in this process, up to a number of bytes; the least recently used go first.
 *
 * Straight on lru-cache, without keyv before it: a hit is answered in the same turn, entries are weighed in bytes, and
 * the answers of a URI can be found. Behind keyv each of the three would have to be built around it.
 */
export class MemoryStore implements AnswerStore {
  private readonly entries: LRUCache<string, Entry>;
  private readonly keysOf = new Map<string, Set<string>>();
  /** When each URI was invalidated last: an answer that was asked for before may still be on its way. */
  private readonly invalidatedAt: LRUCache<string, number>;
  /** Of invalidations older than this, not all are remembered. */
  private forgottenUpTo = -Infinity;

  constructor(maxBytes: number) {
    this.entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ uri, answer }) => answer.bytes + uri.length + ENTRY_BYTES,
      dispose: ({ uri }, key) => {
        this.forgetKey(uri, key);
      },
      noDisposeOnSet: true,
    });
    this.invalidatedAt = new LRUCache({
      max: MAX_INVALIDATIONS,
      dispose: (at, _uri, reason) => {
        if (reason === 'evict') this.forgottenUpTo = Math.max(this.forgottenUpTo, at);
      },
    });
  }

  get({ key }: AnswerKey): KeptAnswer | undefined {
    return this.entries.get(key)?.answer;
  }

  set({ uri, key }: AnswerKey, answer: KeptAnswer): void {
    const { askedAt } = answer.record;
    if (askedAt <= this.forgottenUpTo || askedAt <= (this.invalidatedAt.peek(uri) ?? -Infinity)) return;
    this.entries.set(key, { uri, answer });
    // One that is too large for the whole store has not been taken.
    if (!this.entries.has(key)) return;
    const keys = this.keysOf.get(uri);
    if (keys === undefined) this.keysOf.set(uri, new Set([key]));
    else keys.add(key);
  }

  delete({ key }: AnswerKey): void {
    this.entries.delete(key);
  }

  invalidate(uri: string, at: number): void {
    this.invalidatedAt.set(uri, at);
    for (const key of [...(this.keysOf.get(uri) ?? [])]) this.entries.delete(key);
  }

  close(): Promise<void> {
    this.entries.clear();
    return Promise.resolve();
  }

  /** Bytes kept right now. */
  get bytes(): number {
    return this.entries.calculatedSize;
  }

  /** Answers kept right now. */
  get size(): number {
    return this.entries.size;
  }

  /** URIs that are known; for those that look for leaks. */
  get uris(): number {
    return this.keysOf.size;
  }

  private forgetKey(uri: string, key: string): void {
    const keys = this.keysOf.get(uri);
    keys?.delete(key);
    if (keys?.size === 0) this.keysOf.delete(uri);
  }
}
