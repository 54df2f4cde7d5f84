import { hash } from 'node:crypto';
import KeyvRedis, { createClient } from '@keyv/redis';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { type Clock } from '../../resilience/clock.js';
import { LagAwareTimer } from '../../resilience/lag-aware-timer.js';
import { type CacheConfig } from '../config/gateway-config.js';
import { type AnswerKey, type AnswerStore } from './answer-store.js';
import { KeptAnswer, type KeptRecord, LONGEST_KEPT_MS, type WallClock } from './kept-answer.js';

export interface RedisStoreOptions extends Pick<CacheConfig, 'redisTimeoutMs' | 'redisNamespace'> {
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly wall: WallClock;
  /** Told once when Redis goes away, and once when it is back. */
  readonly log: { warn(message: string): void; log(message: string): void };
}

/** After a failure nobody waits for Redis for so long, in ms; then one call tries again. */
const PAUSE_MS = 1_000;
/** Commands that may be on their way; more are dropped, which forgets an answer. */
const MAX_COMMANDS = 1_000;
/** Invalidations that Redis is told at once when it is back: calls have to fit beside them. */
const MAX_TOLD_AT_ONCE = 100;
/** Invalidations that this process remembers by itself, so that its own changes hold while Redis is away. */
const MAX_INVALIDATIONS = 10_000;
/** The form of what is written; another one is not read. */
const FORM = 'a1';

/**
 * Keeps answers in Redis, where replicas share them. A Redis that is away or slow costs a call at most
 * `redisTimeoutMs`, and the calls of the next second nothing: they go on as if nothing were kept. Then one command tries
 * again, and the others still wait for nothing, until an answer has come in time.
 */
export class RedisStore implements AnswerStore {
  private readonly client: ReturnType<typeof createClient>;
  private readonly keyv: Keyv;
  private readonly invalidatedAt: LRUCache<string, number>;
  /** URIs whose invalidation Redis has not taken; all of them stand in `invalidatedAt`. */
  private readonly untold = new Set<string>();
  /** Redis was never told of all invalidations up to here: what was asked for before is not used. */
  private forgottenUpTo = -Infinity;
  private hasForgotten = false;
  private pausedUntil = -Infinity;
  private isUp = true;
  private isProbing = false;
  private isTelling = false;
  private isClosed = false;

  constructor(private readonly options: RedisStoreOptions) {
    const { redisUrl, redisNamespace: namespace } = options;
    this.invalidatedAt = new LRUCache({
      max: MAX_INVALIDATIONS,
      dispose: (at, uri, reason) => {
        if (reason === 'evict') this.forgetInvalidation(uri, at);
      },
    });
    this.client = createClient({
      url: redisUrl,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      socket: { connectTimeout: 2_000, reconnectStrategy: reconnectDelayMs },
    });
    const adapter = new KeyvRedis(this.client, {
      namespace,
      throwOnErrors: true,
      throwOnConnectError: false,
    });
    this.keyv = new Keyv(adapter, { namespace, useKeyPrefix: false, throwOnErrors: true });
    // Whoever waits for a command hears of its failure; the connection's own failures are heard of here.
    this.keyv.on('error', () => undefined);
    this.client.on('error', (error: unknown) => {
      this.wentDown(error);
    });
    this.client.on('ready', () => {
      this.cameUp();
      void this.tellUntold();
    });
    this.client.connect().catch((error: unknown) => {
      this.wentDown(error);
    });
  }

  get({ uri, key }: AnswerKey): Promise<KeptAnswer | undefined> | undefined {
    if (!this.isUsable()) return undefined;
    const asked = this.inTime(this.keyv.getMany<unknown>([uriKey(uri), answerKey(key)]));
    return asked.then((found) => this.read(uri, found));
  }

  set({ uri, key }: AnswerKey, { record }: KeptAnswer, ttlMs: number): void {
    if (!this.isUsable() || record.askedAt <= this.locallyInvalidatedAt(uri)) return;
    this.send(this.keyv.set(answerKey(key), record, Math.ceil(ttlMs)));
  }

  delete({ key }: AnswerKey): void {
    if (this.isUsable()) this.send(this.keyv.delete(answerKey(key)));
  }

  invalidate(uri: string, at: number): void {
    this.invalidatedAt.set(uri, at);
    this.untold.add(uri);
    if (this.isUsable()) void this.tell(uri, at);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    if (this.client.isReady) await this.inTime(this.client.close());
    if (this.client.isOpen) this.client.destroy();
  }

  private read(uri: string, found: unknown): KeptAnswer | undefined {
    const [invalidatedAt, record] = Array.isArray(found) ? (found as unknown[]) : [];
    if (!isRecord(record)) return undefined;
    const remote = typeof invalidatedAt === 'number' ? invalidatedAt : -Infinity;
    if (record.askedAt <= Math.max(remote, this.locallyInvalidatedAt(uri))) return undefined;
    try {
      return KeptAnswer.from(record, this.options.wall);
    } catch {
      // Written by somebody who understands it differently.
      return undefined;
    }
  }

  /** Whether Redis has taken it in time. */
  private async tell(uri: string, at: number): Promise<boolean> {
    const told = this.keyv.set(uriKey(uri), at, LONGEST_KEPT_MS).then(() => {
      // It may have changed again meanwhile.
      if (this.invalidatedAt.peek(uri) === at) this.untold.delete(uri);
      return true;
    });
    return (await this.inTime(told)) ?? false;
  }

  /** What is not taken stays untold, and Redis counts as away until it has answered again. */
  private async tellUntold(): Promise<void> {
    if (this.isTelling) return;
    this.isTelling = true;
    while (this.untold.size > 0 && this.isUp && this.isUsable()) {
      const all = await Promise.all(this.someUntold().map(([uri, at]) => this.tell(uri, at)));
      // Answers to others may have come since, and say nothing of these.
      if (all.includes(false)) this.pause('it does not take what has changed');
    }
    this.isTelling = false;
  }

  private someUntold(): (readonly [uri: string, at: number])[] {
    const some: (readonly [string, number])[] = [];
    for (const uri of this.untold) {
      if (some.length === MAX_TOLD_AT_ONCE) break;
      const at = this.invalidatedAt.peek(uri);
      if (at === undefined) this.untold.delete(uri);
      else some.push([uri, at]);
    }
    return some;
  }

  private forgetInvalidation(uri: string, at: number): void {
    if (!this.untold.delete(uri)) return;
    this.forgottenUpTo = Math.max(this.forgottenUpTo, at);
    if (this.hasForgotten || this.isClosed) return;
    this.hasForgotten = true;
    this.options.log.warn(
      `Redis was away for more than ${MAX_INVALIDATIONS} changes: it is not told of the oldest ones`,
    );
  }

  private locallyInvalidatedAt(uri: string): number {
    return Math.max(this.invalidatedAt.get(uri) ?? -Infinity, this.forgottenUpTo);
  }

  /** While Redis is away, one command at a time finds out whether it is back. */
  private isUsable(): boolean {
    if (!this.client.isReady || this.isClosed) return false;
    return this.isUp || (!this.isProbing && this.options.clock.now() >= this.pausedUntil);
  }

  private send(command: Promise<unknown>): void {
    void this.inTime(command);
  }

  /**
   * What a command answers, or undefined if it fails or takes too long. Never rejected. What comes later than that says
   * nothing of Redis any more: one that is always slow would be back with each answer, and delay the next call.
   */
  private inTime<T>(command: Promise<T>): Promise<T | undefined> {
    const { clock, redisTimeoutMs } = this.options;
    const isProbe = !this.isUp;
    if (isProbe) this.isProbing = true;
    return new Promise((resolve) => {
      let isOver = false;
      const end = (answer?: T): void => {
        isOver = true;
        timer.unsubscribe();
        if (isProbe) this.isProbing = false;
        resolve(answer);
      };
      const late = (): void => {
        this.pause(`no answer within ${redisTimeoutMs} ms`);
        end();
      };
      const timer = new LagAwareTimer(clock, redisTimeoutMs, late, undefined);
      command.then(
        (answer) => {
          if (isOver) return;
          end(answer);
          this.cameUp();
        },
        (error: unknown) => {
          if (isOver) return;
          this.pause(wordsOf(error));
          end();
        },
      );
    });
  }

  private pause(why: string): void {
    this.pausedUntil = this.options.clock.now() + PAUSE_MS;
    this.wentDown(why);
  }

  private wentDown(why: unknown): void {
    if (!this.isUp || this.isClosed) return;
    this.isUp = false;
    this.options.log.warn(`Redis is away (${wordsOf(why)}): calls go on without kept answers`);
  }

  private cameUp(): void {
    if (this.isUp || this.isClosed) return;
    this.isUp = true;
    this.hasForgotten = false;
    this.pausedUntil = -Infinity;
    this.options.log.log('Redis is back');
    void this.tellUntold();
  }
}

function answerKey(key: string): string {
  return `${FORM}:${key}`;
}

/** What a URL holds is nobody's business here either. */
function uriKey(uri: string): string {
  return `${FORM}:uri:${hash('sha256', uri, 'base64url')}`;
}

/** Doubles from 100 ms to 2 s; replicas must not come back in step. */
function reconnectDelayMs(attempts: number): number {
  return Math.min(2_000, 100 * 2 ** attempts) * (0.5 + Math.random() / 2);
}

/** A URL may hold a password; the client's own errors name host and port at most. */
function wordsOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (!(error instanceof Error)) return 'unknown error';
  const { code } = error as NodeJS.ErrnoException;
  return code ?? (error.message === '' ? error.name : error.message);
}

function isRecord(value: unknown): value is KeptRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { body, headers, askedAt, policy } = value as Partial<Record<keyof KeptRecord, unknown>>;
  return (
    typeof body === 'string' &&
    typeof headers === 'object' &&
    headers !== null &&
    typeof askedAt === 'number' &&
    typeof policy === 'object' &&
    policy !== null
  );
}
