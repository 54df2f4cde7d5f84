import { asObservable, type Handler } from '../call.js';
import { type Clock } from '../clock.js';
import { type Link } from '../link.js';
import { type Random } from '../random.js';
import { VERDICTS } from '../verdict.js';
import { type VirtualClock } from '../virtual-clock.js';
import { WireError } from './spec-support.js';

// Only the specs of this folder use this file; it knows neither Jest nor the outside.

export interface Capacity {
  /** Requests it works on at once. */
  readonly workers: number;
  /** How long one takes, on average, in ms; evenly spread from half of it to half as long again. */
  readonly serviceMs: number;
  /** Requests that may wait for a worker; further ones are answered 503. */
  readonly queue: number;
}

/** How long a request that is refused takes, there and back, in ms. */
const REFUSAL_MS = 1;

/** A service with a few workers and a queue before them. It does not notice when a caller leaves. */
export class SimulatedUpstream {
  /** Requests it has answered 503. */
  rejections = 0;
  private busy = 0;
  private readonly waiting: Link<string>[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    /** May change while it runs. */
    public capacity: Capacity,
  ) {}

  readonly handler: Handler<unknown, string> = (_request, answer) => {
    if (this.busy < this.capacity.workers) this.work(answer);
    else if (this.waiting.length < this.capacity.queue) this.waiting.push(answer);
    else this.clock.setTimeout(this.refuse, REFUSAL_MS, answer);
  };

  private work(answer: Link<string>): void {
    this.busy++;
    const ms = this.capacity.serviceMs * (0.5 + this.random());
    this.clock.setTimeout(this.done, ms, answer);
  }

  private readonly done = (answer: Link<string>): void => {
    this.busy--;
    while (this.busy < this.capacity.workers) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.work(next);
    }
    answer.next('answer');
    answer.complete();
  };

  private readonly refuse = (answer: Link<string>): void => {
    this.rejections++;
    answer.error(new WireError(VERDICTS.failed));
  };
}

/** What has become of the calls that arrived in a stretch of time. */
export interface Traffic {
  readonly offered: number;
  /** From arrival to answer, in ms, ascending; of those that got an answer. */
  readonly latencies: readonly number[];
  /** Answers per second. */
  readonly goodput: number;
}

/** Lets calls arrive at `handler` at random, `perSecond` of them on average, whatever becomes of them (open loop). */
export function offer(
  clock: VirtualClock,
  random: Random,
  handler: Handler<undefined, string>,
  perSecond: number,
  seconds: number,
): Traffic {
  const latencies: number[] = [];
  let offered = 0;
  let answered = 0;
  const endsAt = clock.now() + seconds * 1_000;
  const arrive = (): void => {
    const arrivedAt = clock.now();
    if (arrivedAt >= endsAt) return;
    offered++;
    asObservable(handler, undefined).subscribe({
      next: () => {
        latencies.push(clock.now() - arrivedAt);
        if (clock.now() < endsAt) answered++;
      },
      error: () => undefined,
    });
    clock.setTimeout(arrive, exponential(random, 1_000 / perSecond), undefined);
  };
  clock.setTimeout(arrive, exponential(random, 1_000 / perSecond), undefined);
  clock.advance(seconds * 1_000);
  const goodput = answered / seconds;
  return {
    offered,
    goodput,
    get latencies() {
      return latencies.toSorted((a, b) => a - b);
    },
  };
}

function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** The value below which `percent` of them lie. */
export function percentile(ascending: readonly number[], percent: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor((ascending.length * percent) / 100))] ?? NaN;
}
