import { type Clock } from '../../resilience/clock.js';
import { type CacheConfig } from '../config/gateway-config.js';
import { type AnswerStore } from './answer-store.js';
import { type WallClock } from './kept-answer.js';
import { MemoryStore } from './memory-store.js';
import { RedisStore, type RedisStoreOptions } from './redis-store.js';

/** Where the upstreams of a gateway keep answers, and by which time. */
export interface KeptAnswers {
  readonly store: AnswerStore;
  readonly wall: WallClock;
}

/** In Redis where one is configured, otherwise in memory. */
export function keptAnswers(
  { maxBytes, redisUrl, redisTimeoutMs, redisNamespace }: CacheConfig,
  clock: Clock,
  log: RedisStoreOptions['log'],
): KeptAnswers {
  // Replicas have to agree on it, so it is that of the wall; but it goes on with the clock, and is never set back.
  const epochMs = Date.now() - clock.now();
  const wall = (): number => epochMs + clock.now();
  if (redisUrl === null) return { store: new MemoryStore(maxBytes), wall };
  return { store: new RedisStore({ redisUrl, redisTimeoutMs, redisNamespace, clock, wall, log }), wall };
}
