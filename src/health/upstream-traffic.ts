import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { verdictOfStatus } from '../upstream/classify.js';
import { type Upstream } from '../upstream/upstream.js';
import { type AttemptEvent, type UpstreamEvent } from '../upstream/upstream-events.js';
import { UpstreamRegistry } from '../upstream/upstream-registry.js';

/** What real calls have lately told about an upstream. Moments are on the clock's scale. */
export interface TrafficSigns {
  /** When it last answered in a way that shows it works. */
  readonly lastSuccessAt: number | undefined;
  readonly lastFailure: FailureSign | undefined;
  /** Since the last success. */
  readonly failuresInARow: number;
}

/** So many failures, one after another, are no accident any more: retries make two of one call. */
const TROUBLE = 3;

/** Whether real calls have lately done nothing but fail: then what succeeded before says nothing any more. */
export function isInTrouble({ failuresInARow }: TrafficSigns): boolean {
  return failuresInARow >= TROUBLE;
}

export interface FailureSign {
  readonly at: number;
  /** In the words of the part report; a status with its number. */
  readonly reason: string;
}

interface TrafficRecord extends TrafficSigns {
  lastSuccessAt: number | undefined;
  lastFailure: FailureSign | undefined;
  failuresInARow: number;
}

/** Remembers the last success and the last failure of each upstream, as real traffic met them. */
@Injectable()
export class UpstreamTraffic implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly records = new Map<string, TrafficRecord>();
  private readonly troubled = new Subject<string>();
  private stopListening: (() => void) | undefined;

  constructor(private readonly registry: UpstreamRegistry) {}

  /** The name of an upstream, when its calls begin to do nothing but fail. */
  get trouble(): Observable<string> {
    return this.troubled;
  }

  /** Runs again where another application shares this: Nest calls the hooks of values too. */
  onApplicationBootstrap(): void {
    this.stopListening ??= this.registry.events.subscribe((event) => {
      this.note(event);
    });
  }

  onModuleDestroy(): void {
    this.stopListening?.();
  }

  /** The signs of one upstream; the answer stays up to date. */
  of(upstream: Upstream): TrafficSigns {
    return this.recordOf(upstream.name);
  }

  private note(event: UpstreamEvent): void {
    if (event.type === 'configured') {
      if (event.change !== 'changed' || event.settings.includes('urls')) this.forget(event.upstream);
      return;
    }
    const sign = signOf(event);
    // Its last calls may end after an upstream has been taken away.
    const at = this.registry.find(event.upstream)?.runtime.clock.now();
    if (sign === undefined || at === undefined) return;
    const record = this.recordOf(event.upstream);
    if (sign === 'success') {
      record.lastSuccessAt = at;
      record.failuresInARow = 0;
    } else {
      record.lastFailure = { at, reason: sign.failure };
      record.failuresInARow++;
      if (record.failuresInARow === TROUBLE) this.troubled.next(event.upstream);
    }
  }

  /** What was seen at another place says nothing. In place: others hold on to the record. */
  private forget(name: string): void {
    const record = this.recordOf(name);
    record.lastSuccessAt = undefined;
    record.lastFailure = undefined;
    record.failuresInARow = 0;
  }

  private recordOf(name: string): TrafficRecord {
    let record = this.records.get(name);
    if (record === undefined) {
      record = { lastSuccessAt: undefined, lastFailure: undefined, failuresInARow: 0 };
      this.records.set(name, record);
    }
    return record;
  }
}

type Sign = 'success' | { readonly failure: string };

/** What an event says about the upstream itself; nothing where a guard or a client of ours ended the call. */
function signOf(event: UpstreamEvent): Sign | undefined {
  if (event.type === 'attempt') return signOfAttempt(event.outcome);
  // It is told before the attempts that led to it, and whoever hears of it asks how the upstream is.
  if (event.type === 'breaker') return event.reason === 'probes-succeeded' ? 'success' : undefined;
  // Which status an attempt met stands in the event of its call only.
  if (event.type === 'call' && event.outcome === 'status' && event.status !== undefined) {
    return signOfStatus(event.status);
  }
  return undefined;
}

function signOfAttempt(outcome: AttemptEvent['outcome']): Sign | undefined {
  switch (outcome) {
    case 'ok':
      return 'success';
    case 'connect':
    case 'reset':
    case 'timeout':
      return { failure: outcome };
    case 'status':
    case 'deadline':
    case 'open':
    case 'full':
    case 'too-large':
    case 'invalid':
    case 'cancelled':
      return undefined;
  }
}

/** A 404 is a sign of life, a 503 is none. */
function signOfStatus(status: number): Sign | undefined {
  switch (verdictOfStatus(status, false).breaker) {
    case 'success':
      return 'success';
    case 'failure':
      return { failure: `status ${status}` };
    case 'neutral':
      return undefined;
  }
}
