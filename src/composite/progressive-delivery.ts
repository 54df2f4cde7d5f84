import { Readable } from 'node:stream';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { finalize, Observable, type Subscriber } from 'rxjs';
import { type CompositeListener } from '../aggregation/composite-run.js';
import { type FailureLog } from '../aggregation/failure-log.js';
import { type CompositeReport, partBody, type PartReport, reportBody } from '../aggregation/part-report.js';
import { NO_PREFERENCES, preferenceApplied } from '../aggregation/preferences.js';
import { problemOf } from '../aggregation/problem.js';
import { type Clock, systemClock, type Timer } from '../resilience/clock.js';
import { type CompositeInput } from './composite-input.js';
import { type CompositeRunner } from './composite-runner.js';
import { type GrowingResponse } from './growing-response.js';
import { type ProgressiveFormat } from './progressive-format.js';
import { UnreadEvents } from './unread-events.js';

/** The longest silence on a connection whose client waits, in ms: many a proxy ends one after 30 s or 60 s. */
const HEARTBEAT_MS = 15_000;

/** One request that is answered part by part. */
export interface ProgressiveRequest {
  readonly runner: CompositeRunner;
  readonly input: CompositeInput;
  readonly format: ProgressiveFormat;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly failures: FailureLog;
}

/**
 * Answers a request part by part: a `part` event for each part as it lands, whatever order that is in, and a closing
 * `report`. Assigned to one object one after another, the `data` of the parts are the document that the same request gets
 * as JSON.
 *
 * Nothing is sent, the head neither, before all guards and all required writes have ended: what lands meanwhile waits. A
 * composite that fails before anything was sent is an error of the observable, and an ordinary problem response; one that
 * fails later closes with a `problem` event.
 *
 * The `data` of a part holds each key of the response's root that it touches, with all that stands below it by then: a
 * client that keeps up gets what many parts share again with each of them. What a client has not taken yet waits, and of
 * that the last event that touches a key brings it; those before have no `data` for it, or none at all. So what is kept
 * for a slow client is no more than the response, and an event for each part.
 *
 * Emits once, when there is no more to send. Whoever unsubscribes before cancels the composite.
 */
export function deliverProgressively(
  wanted: ProgressiveRequest,
  clock: Clock = systemClock,
): Observable<undefined> {
  return new Observable((subscriber) => {
    const delivery = new ProgressiveDelivery(wanted, clock, subscriber);
    const { runner, input } = wanted;
    const run = runner.run(input, delivery).pipe(
      // Later than its last word: by then the composite has left its report.
      finalize(() => {
        delivery.end();
      }),
    );
    subscriber.add(
      run.subscribe({
        error: (error: unknown) => {
          delivery.failed(error);
        },
        complete: () => {
          delivery.completed();
        },
      }),
    );
  });
}

class ProgressiveDelivery implements CompositeListener {
  private readonly response: GrowingResponse;
  /** The parts without which nothing is sent, as far as they have not ended. */
  private readonly awaited: Set<string>;
  private readonly unread = new UnreadEvents();
  private stream: Readable | undefined;
  private heartbeat: Timer;
  private report: CompositeReport | undefined;
  /** How the composite ended; undefined while it runs, and for one that nobody waits for any more. */
  private outcome: { readonly error: unknown } | 'completed' | undefined;
  /** Nothing is to be sent any more. */
  private isOver = false;
  /** Whether the client has taken all there was. */
  private isWanting = true;

  constructor(
    private readonly wanted: ProgressiveRequest,
    private readonly clock: Clock,
    private readonly subscriber: Subscriber<undefined>,
  ) {
    const { runner, input, request } = wanted;
    this.response = runner.growingResponse(input);
    this.awaited = new Set(runner.awaited(request.exchange?.preferences.handling === 'strict'));
    this.awaitHeartbeat();
  }

  partEnded(report: PartReport, value: unknown): void {
    // Its composite fails with it, and says so.
    if (this.isOver || report.state === 'failed') return;
    try {
      this.landed(report, value);
    } catch (error) {
      // Thrown on, it would leave the composite without an end.
      this.failed(error);
      this.end();
    }
  }

  ended(report: CompositeReport): void {
    this.report = report;
  }

  completed(): void {
    this.outcome = 'completed';
  }

  failed(error: unknown): void {
    this.outcome = { error };
  }

  /** Says how it ended, and nothing after that. */
  end(): void {
    if (this.isOver) return;
    const { outcome, stream } = this;
    this.close();
    if (outcome === undefined) stream?.destroy();
    else if (outcome !== 'completed' && stream === undefined) this.subscriber.error(outcome.error);
    else {
      if (outcome === 'completed') this.unread.add('report', this.closingReport());
      else this.unread.add('problem', this.problem(outcome.error));
      this.sendUnread();
      this.finish();
    }
  }

  private landed(report: PartReport, value: unknown): void {
    const { part } = report;
    this.unread.add('part', { part, ...partBody(report) }, this.response.land(part, value));
    this.awaited.delete(part);
    this.sendUnread();
  }

  /** @internal */
  beat(): void {
    const { heartbeat } = this.wanted.format;
    // Whoever has not taken what there is needs nothing more to stay awake.
    if (heartbeat !== undefined && this.isWanting && this.awaited.size === 0) this.write(heartbeat);
    else this.awaitHeartbeat();
  }

  private closingReport(): object {
    const { status, partialStatus = status } = this.wanted.runner.plan.config;
    const { complete, parts, writes } = this.report ?? NO_REPORT;
    const body = reportBody({ complete, parts, writes });
    return { status: complete ? status : partialStatus, ...body };
  }

  private problem(error: unknown): object {
    const { request, failures } = this.wanted;
    const problem = problemOf(error, request.id, this.report?.writes);
    failures.failed(request, problem, error);
    return problem.document;
  }

  /** Sends what waits, as far as the client takes it. */
  private sendUnread(): void {
    while (this.isWanting && this.awaited.size === 0) {
      const next = this.unread.take();
      if (next === undefined) return;
      this.write(this.wanted.format.written(next.event, next.body));
    }
  }

  private write(text: string): void {
    const { stream = this.newStream() } = this;
    this.isWanting = false;
    stream.push(text);
    if (this.isOver && this.unread.isEmpty) stream.push(null);
    if (this.stream === undefined) {
      this.stream = stream;
      this.begin(stream);
    }
    this.awaitHeartbeat();
  }

  private newStream(): Readable {
    return new Readable({
      // Asks for more once nothing is left.
      highWaterMark: 1,
      read: () => {
        this.isWanting = true;
        this.sendUnread();
      },
    });
  }

  private begin(stream: Readable): void {
    const { reply, request, runner, format } = this.wanted;
    const applied = preferenceApplied(request.exchange?.preferences ?? NO_PREFERENCES, false);
    if (applied !== '') reply.header('preference-applied', applied);
    reply.status(runner.plan.config.status).headers({
      'content-type': format.contentType,
      'cache-control': 'no-store',
      // nginx would collect the events.
      'x-accel-buffering': 'no',
    });
    if (request.method === 'HEAD') {
      void reply.send();
      this.finish();
    } else void reply.send(stream);
  }

  private finish(): void {
    this.close();
    this.subscriber.next(undefined);
    this.subscriber.complete();
  }

  private close(): void {
    this.isOver = true;
    this.clock.clearTimeout(this.heartbeat);
  }

  private awaitHeartbeat(): void {
    this.clock.clearTimeout(this.heartbeat);
    if (this.isOver || this.wanted.format.heartbeat === undefined) return;
    this.heartbeat = this.clock.setTimeout(beat, HEARTBEAT_MS, this);
  }
}

const NO_REPORT: CompositeReport = { complete: false, parts: [] };

function beat(delivery: ProgressiveDelivery): void {
  delivery.beat();
}
