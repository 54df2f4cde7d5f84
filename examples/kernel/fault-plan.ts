import { seeded, type Random } from '../data/random.js';
import { type Faults } from './faults.js';

/** What happens to one request, instead of or around its answer. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'hang' | 'drip' }
  /** `turn` counts the requests hit by this fault: its varieties take turns. */
  | { readonly kind: 'garbage' | 'reset' | 'huge'; readonly turn: number };

/** What happens to one request: first the delay, then the fault. */
export interface Verdict {
  readonly delayMs: number;
  readonly fault: Fault;
}

const NONE: Fault = { kind: 'none' };

/**
 * One setting of the fault switches, from its `PUT` to the next change: decides what happens to each request,
 * and tells the requests it is holding up when it is over.
 */
export class FaultPlan {
  private readonly kind: Fault['kind'];
  // Three sequences, so that neither jitter nor a health probe moves the sequence of errors.
  private readonly errors: Random;
  private readonly probeErrors: Random;
  private readonly jitter: Random;
  private readonly waiting = new Set<() => void>();
  private turn = 0;
  private over = false;

  constructor(readonly faults: Faults = {}) {
    const { seed = 1 } = faults;
    this.kind = kindOf(faults);
    this.errors = seeded(`errors:${seed}`);
    this.probeErrors = seeded(`probe-errors:${seed}`);
    this.jitter = seeded(`jitter:${seed}`);
  }

  /** Decides for the next request, in order of arrival. Requests to `/health` count apart from the others. */
  decide(isProbe: boolean): Verdict {
    const { errorRate = 1 } = this.faults;
    const hit = (isProbe ? this.probeErrors : this.errors).chance(errorRate);
    return { delayMs: this.delayMs(), fault: hit ? this.nextFault() : NONE };
  }

  /** Whether other faults have taken its place. */
  get isOver(): boolean {
    return this.over;
  }

  /** Calls back once when the plan ends, or soon if it has; the returned function takes that back. */
  whenOver(callback: () => void): () => void {
    if (this.over) queueMicrotask(callback);
    else this.waiting.add(callback);
    return () => this.waiting.delete(callback);
  }

  /** Ends the plan: requests it is holding up go on as if it had never been. */
  end(): void {
    this.over = true;
    for (const callback of [...this.waiting]) callback();
    this.waiting.clear();
  }

  private delayMs(): number {
    const { latencyMs = 0, jitterMs = 0 } = this.faults;
    if (jitterMs === 0) return latencyMs;
    return Math.max(0, latencyMs + jitterMs * (2 * this.jitter.float() - 1));
  }

  private nextFault(): Fault {
    switch (this.kind) {
      case 'none':
        return NONE;
      case 'status':
        return { kind: 'status', status: this.faults.status ?? 503 };
      case 'hang':
      case 'drip':
        return { kind: this.kind };
      case 'garbage':
      case 'reset':
      case 'huge':
        return { kind: this.kind, turn: this.turn++ };
    }
  }
}

/** One request can suffer one fault: where several are switched on, the first of these. */
function kindOf({ hang, reset, huge, garbage, drip, status, errorRate }: Faults): Fault['kind'] {
  if (hang) return 'hang';
  if (reset) return 'reset';
  if (huge) return 'huge';
  if (garbage) return 'garbage';
  if (drip) return 'drip';
  return status === undefined && errorRate === undefined ? 'none' : 'status';
}
