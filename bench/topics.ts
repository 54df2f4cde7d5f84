import { type LoadOrder, type LoadResult } from './load-order.js';

/** What a process has used since it started. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuMicros: number;
  /** What it holds in memory now. */
  readonly rssBytes: number;
}

/** Bytes that went through a delay line since it was opened. */
export interface Traffic {
  readonly toServer: number;
  readonly toClient: number;
}

/** What the benchmarks ask the processes they started, and what those answer. */
export interface Topics {
  readonly usage: { readonly order: null; readonly answer: Usage };
  readonly calls: { readonly order: null; readonly answer: number };
  readonly load: { readonly order: LoadOrder; readonly answer: LoadResult };
  readonly traffic: { readonly order: null; readonly answer: Traffic };
}

export type Topic = keyof Topics;

/** A question on its way to a process. */
export interface Question<T extends Topic = Topic> {
  readonly ask: T;
  readonly order: Topics[T]['order'];
}

/** The answer on its way back. */
export type Answer<T extends Topic = Topic> =
  { readonly answer: Topics[T]['answer'] } | { readonly failed: string };
