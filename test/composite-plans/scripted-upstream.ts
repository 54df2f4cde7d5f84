import { Observable, type Subscriber } from 'rxjs';
import { VERDICTS } from '../../src/resilience/verdict.js';
import { type UpstreamRequest, type UpstreamResponse } from '../../src/upstream/upstream-call.js';
import { UpstreamError } from '../../src/upstream/upstream-error.js';
import { type Behaviour } from './random-plan.js';

interface OpenCall {
  readonly subscriber: Subscriber<unknown>;
  readonly read: (response: UpstreamResponse) => unknown;
}

/** An upstream in which each part has a path of its own, and which answers when it is told to. */
export class ScriptedUpstream {
  /** What was asked for, in order; a part that was asked twice stands there twice. */
  readonly asked: { readonly part: string; readonly url: string }[] = [];
  private readonly open = new Map<string, OpenCall>();

  constructor(private readonly behaviours: ReadonlyMap<string, Behaviour>) {}

  /** In place of `Upstream.send`. */
  readonly send = (
    request: UpstreamRequest,
    read: (response: UpstreamResponse) => unknown,
  ): Observable<unknown> =>
    new Observable((subscriber) => {
      const [, part = ''] = /^\/(\w+)/.exec(request.url) ?? [];
      this.asked.push({ part, url: request.url });
      this.open.set(part, { subscriber, read });
      return () => this.open.delete(part);
    });

  /** The parts that wait for an answer. */
  get waiting(): readonly string[] {
    return [...this.open.keys()];
  }

  /** Does what the part's upstream does. */
  end(part: string): void {
    const call = this.open.get(part);
    const behaviour = this.behaviours.get(part);
    if (call === undefined || behaviour === undefined) throw new Error(`nobody asked for ${part}`);
    this.open.delete(part);
    const { subscriber, read } = call;
    if ('fails' in behaviour) {
      const { fails: reason } = behaviour;
      subscriber.error(new UpstreamError({ upstream: 'shop', reason, verdict: VERDICTS.failed }));
      return;
    }
    const response = { status: 200, headers: {}, data: behaviour.answer } as unknown as UpstreamResponse;
    try {
      subscriber.next(read(response));
      subscriber.complete();
    } catch (error) {
      // As `Upstream` does with what reading an answer throws.
      subscriber.error(error);
    }
  }
}
