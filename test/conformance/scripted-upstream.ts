import { AxiosError, AxiosHeaders, type AxiosRequestConfig, type AxiosResponse } from 'axios';
import { Observable, Subscriber } from 'rxjs';
import { markFailure, type WireFailure } from '../../src/http/wire-failure.js';
import { type BreakerToken } from '../../src/resilience/circuit-breaker.js';
import { type Clock } from '../../src/resilience/clock.js';
import { type Random, seededRandom } from '../../src/resilience/random.js';
import { VirtualClock } from '../../src/resilience/virtual-clock.js';
import { RequestContext } from '../../src/upstream/request-context.js';
import { configOf, type WrittenUpstream } from '../../src/upstream/testing/spec-support.js';
import { type Upstream } from '../../src/upstream/upstream.js';
import { type UpstreamRequest, type UpstreamResponse } from '../../src/upstream/upstream-call.js';
import { UpstreamError } from '../../src/upstream/upstream-error.js';
import { type UpstreamEvent } from '../../src/upstream/upstream-events.js';
import { UpstreamRegistry } from '../../src/upstream/upstream-registry.js';

/** One attempt as the upstream sees it. */
export class WireAttempt {
  state: 'open' | 'answered' | 'failed' | 'cut' = 'open';
  /** How often it was torn down; never more than once. */
  teardowns = 0;

  constructor(
    readonly config: AxiosRequestConfig,
    readonly at: number,
    private readonly subscriber: Subscriber<AxiosResponse>,
  ) {}

  answer(status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.state = 'answered';
    this.subscriber.next(this.response(status, headers));
    this.subscriber.complete();
  }

  /** An answer has begun, and is not complete yet. */
  emit(status = 200): void {
    this.subscriber.next(this.response(status, {}));
  }

  fail(kind: WireFailure): void {
    this.state = 'failed';
    this.subscriber.error(markFailure(new AxiosError(`the wire: ${kind}`), kind));
  }

  /** A header of the request. */
  header(name: string): string | undefined {
    return (this.config.headers as Readonly<Record<string, string>>)[name];
  }

  private response(status: number, headers: Readonly<Record<string, string>>): AxiosResponse {
    const config = { ...this.config, headers: new AxiosHeaders() };
    return { status, statusText: '', headers, data: { status }, config };
  }
}

/** Hears every signal that is sent to it, also those that RxJS would have swallowed after the end. */
export class Caller extends Subscriber<UpstreamResponse> {
  readonly statuses: number[] = [];
  readonly signals: ('next' | 'error' | 'complete')[] = [];
  failure: UpstreamError | undefined;
  left = false;
  signalsAfterLeaving = 0;
  /** Runs at the end, whatever it is. */
  onEnd: () => void = () => undefined;

  override next(response: UpstreamResponse): void {
    this.heard('next');
    this.statuses.push(response.status);
  }

  override error(error: unknown): void {
    this.heard('error');
    if (!(error instanceof UpstreamError)) throw error;
    this.failure = error;
    this.unsubscribe();
    this.onEnd();
  }

  override complete(): void {
    this.heard('complete');
    this.unsubscribe();
    this.onEnd();
  }

  leave(): void {
    this.left = true;
    this.unsubscribe();
  }

  /** `pending`, `ok`, `left`, or the reason it failed for. */
  get outcome(): string {
    if (this.failure !== undefined) return this.failure.reason;
    if (this.signals.includes('complete')) return 'ok';
    return this.left ? 'left' : 'pending';
  }

  private heard(signal: 'next' | 'error' | 'complete'): void {
    this.signals.push(signal);
    if (this.left) this.signalsAfterLeaving++;
  }
}

export interface ScriptedOptions {
  readonly random?: Random;
  /** Says how an attempt ends; without it, attempts stay open until the test ends them. */
  readonly script?: (attempt: WireAttempt, clock: VirtualClock) => void;
  /** Default: a virtual clock. */
  readonly clock?: Clock;
}

/** An upstream as the registry sets it up, with every layer of the pipeline, over a wire the test holds in its hand. */
export class ScriptedUpstream {
  readonly clock = new VirtualClock();
  readonly registry: UpstreamRegistry;
  readonly upstream: Upstream;
  readonly attempts: WireAttempt[] = [];
  readonly events: UpstreamEvent[] = [];
  /** Every token the breaker has given. */
  readonly tokens: BreakerToken[] = [];
  /** What counted with the breaker, by generation. */
  readonly results = new Map<number, number>();
  /** How often the breaker has changed its state. */
  private moves = 0;
  /** How often a result moved the breaker that had been admitted before an earlier move; never. */
  movedByLateResults = 0;
  /** When the budget was paid into, and when it has granted a retry or a hedge. */
  readonly depositedAt: number[] = [];
  readonly withdrawnAt: number[] = [];

  constructor(
    written: WrittenUpstream = {},
    { random = seededRandom(1), script, clock }: ScriptedOptions = {},
  ) {
    const where = written.urls === undefined ? { url: 'http://192.0.2.1' } : {};
    const config = configOf({ orders: { ...where, ...written } });
    this.registry = new UpstreamRegistry(config, { clock: clock ?? this.clock, random });
    this.upstream = this.registry.get('orders');
    this.registry.events.subscribe((event) => {
      this.events.push(event);
      if (event.type === 'breaker') this.moves++;
    });
    jest
      .spyOn(this.upstream.http, 'exchange')
      .mockImplementation((request) => this.exchange(request, script));
    this.watchMachines();
  }

  /** Makes one call: a GET, as long as the scenario does not say otherwise. */
  call(request: Partial<UpstreamRequest> = {}, context: RequestContext = RequestContext.none): Caller {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- it must hear what a plain observer would not
    const caller = new Caller();
    context.run(() => {
      this.upstream.send({ method: 'GET', url: '/', ...request }).subscribe(caller);
    }, undefined);
    return caller;
  }

  get last(): WireAttempt {
    const last = this.attempts.at(-1);
    if (last === undefined) throw new Error('no attempt has reached the wire');
    return last;
  }

  /** Attempts the upstream is working on. */
  get open(): readonly WireAttempt[] {
    return this.attempts.filter(({ state }) => state === 'open');
  }

  get retryDelays(): readonly number[] {
    return this.events.flatMap((event) => (event.type === 'retry' ? [event.delayMs] : []));
  }

  get withdrawn(): number {
    return this.withdrawnAt.length;
  }

  /** Nothing that a call has taken is still out. */
  expectNothingLeft(): void {
    expect(this.open).toHaveLength(0);
    expect(this.upstream.bulkhead).toMatchObject({ inUse: 0, queued: 0 });
    expect(this.tokens.filter(({ settled }) => !settled)).toHaveLength(0);
    expect(this.clock.pendingTimers).toBe(0);
  }

  private exchange(
    request: AxiosRequestConfig,
    script: ScriptedOptions['script'],
  ): Observable<AxiosResponse<never>> {
    return new Observable<AxiosResponse>((subscriber) => {
      const attempt = new WireAttempt(request, this.clock.now(), subscriber);
      this.attempts.push(attempt);
      subscriber.add(() => {
        attempt.teardowns++;
        if (attempt.state === 'open') attempt.state = 'cut';
      });
      script?.(attempt, this.clock);
    }) as Observable<AxiosResponse<never>>;
  }

  private watchMachines(): void {
    const { breaker, budget } = this.upstream;
    const movesBefore = new WeakMap<BreakerToken, number>();
    const tryAcquire = breaker.tryAcquire.bind(breaker);
    jest.spyOn(breaker, 'tryAcquire').mockImplementation(() => {
      const token = tryAcquire();
      if (token === undefined) return undefined;
      this.tokens.push(token);
      movesBefore.set(token, this.moves);
      return token;
    });
    const settle = breaker.settle.bind(breaker);
    jest.spyOn(breaker, 'settle').mockImplementation((token, outcome, retryAfterMs) => {
      const { generation } = token;
      if (!token.settled && outcome !== 'neutral') {
        this.results.set(generation, (this.results.get(generation) ?? 0) + 1);
      }
      const { moves } = this;
      settle(token, outcome, retryAfterMs);
      if (this.moves !== moves && movesBefore.get(token) !== moves) this.movedByLateResults++;
    });
    const deposit = budget.deposit.bind(budget);
    jest.spyOn(budget, 'deposit').mockImplementation(() => {
      this.depositedAt.push(this.clock.now());
      deposit();
    });
    const tryWithdraw = budget.tryWithdraw.bind(budget);
    jest.spyOn(budget, 'tryWithdraw').mockImplementation(() => {
      const granted = tryWithdraw();
      if (granted) this.withdrawnAt.push(this.clock.now());
      return granted;
    });
  }
}

/** Draws that make every backoff its shortest: none. */
export const NO_BACKOFF: Random = () => 0;

/** Draws these, one after another, and then zeros. */
export function draws(...list: readonly number[]): Random {
  let next = 0;
  return () => list[next++] ?? 0;
}

/** A breaker that never gets in the way. */
export const NO_BREAKER = { circuitBreaker: { mode: 'disabled' } } as const;
