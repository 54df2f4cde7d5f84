import { type KeptAnswer } from './kept-answer.js';

/** Which answer: the key is among those of its URI. */
export interface AnswerKey {
  readonly uri: string;
  readonly key: string;
}

/** Where answers are kept. It never fails and never keeps a call waiting for long: at worst it has forgotten. */
export interface AnswerStore {
  /** Answers at once where it can. A promise is never rejected. */
  get(key: AnswerKey): KeptAnswer | undefined | Promise<KeptAnswer | undefined>;
  /** Keeps an answer for at most `ttlMs`, unless its URI has been invalidated since it was asked for. */
  set(key: AnswerKey, answer: KeptAnswer, ttlMs: number): void;
  delete(key: AnswerKey): void;
  /** What was asked for a URI up to `at`, in ms since 1970, is not to be used any more. */
  invalidate(uri: string, at: number): void;
  close(): Promise<void>;
}
