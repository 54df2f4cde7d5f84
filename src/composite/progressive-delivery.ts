import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { finalize, Observable, type Subscriber } from 'rxjs';
import { type CompositeListener } from '../aggregation/composite-run.js';
import { type CompositeReport, partBody, type PartReport, reportBody } from '../aggregation/part-report.js';
import { NO_PREFERENCES, preferenceApplied } from '../aggregation/preferences.js';
import { problemOf } from '../aggregation/problem.js';
import { type Clock, systemClock, type Timer } from '../resilience/clock.js';
import { type CompositeInput } from './composite-input.js';
import { type CompositeRunner } from './composite-runner.js';
import { type GrowingResponse } from './growing-response.js';
import { type ProgressiveFormat } from './progressive-format.js';

/** The longest silence on a connection whose client waits, in ms: many a proxy ends one after 30 s or 60 s. */
const HEARTBEAT_MS = 15_000;

/** One request that is answered part by part. */
export interface ProgressiveRequest {
  readonly runner: CompositeRunner;
  readonly input: CompositeInput;
  readonly format: ProgressiveFormat;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * Answers a request part by part: a `part` event for each part as it lands, whatever order that is in, and a closing
 * `report`. Assigned to one object one after another, the `data` of the parts are the document that the same request gets
 * as JSON. A composite that fails before anything was sent is an error of the observable, and an ordinary problem
 * response; one that fails later closes with a `problem` event.
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
  private stream: Readable | undefined;
  private heartbeat: Timer;
  private report: CompositeReport | undefined;
  /** How the composite ended; undefined while it runs, and for one that nobody waits for any more. */
  private outcome: { readonly error: unknown } | 'completed' | undefined;
  /** Nothing is to be sent any more. */
  private isOver = false;

  constructor(
    private readonly wanted: ProgressiveRequest,
    private readonly clock: Clock,
    private readonly subscriber: Subscriber<undefined>,
  ) {
    this.response = wanted.runner.growingResponse(wanted.input);
    this.awaitHeartbeat();
  }

  partEnded(report: PartReport, value: unknown): void {
    // Its composite fails with it, and says so.
    if (report.state === 'failed') return;
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
    if (outcome === undefined) {
      this.close();
      stream?.destroy();
    } else if (outcome !== 'completed' && stream === undefined) {
      this.close();
      this.subscriber.error(outcome.error);
    } else {
      if (outcome === 'completed') this.send('report', this.closingReport());
      else this.send('problem', this.problem(outcome.error));
      this.stream?.push(null);
      this.finish();
    }
  }

  private landed(report: PartReport, value: unknown): void {
    const { part } = report;
    const data = this.response.land(part, value);
    const shown = Object.keys(data).length === 0 ? {} : { data };
    this.send('part', { part, ...partBody(report), ...shown });
  }

  /** @internal */
  beat(): void {
    const { stream, wanted } = this;
    const { heartbeat } = wanted.format;
    // Whoever has not taken what there is needs nothing more to stay awake.
    if (heartbeat !== undefined && (stream === undefined || stream.readableLength === 0))
      this.write(heartbeat);
    else this.awaitHeartbeat();
  }

  private closingReport(): object {
    const { status, partialStatus = status } = this.wanted.runner.plan.config;
    const { complete, parts, writes } = this.report ?? NO_REPORT;
    const body = reportBody({ complete, parts, writes });
    return { status: complete ? status : partialStatus, ...body };
  }

  private problem(error: unknown): object {
    const { request } = this.wanted;
    const { document, unexpected } = problemOf(error, request.id, this.report?.writes);
    if (unexpected) logger.error(`${request.method} ${request.url} (${request.id}) failed`, error);
    return document;
  }

  private send(event: string, data: object): void {
    if (!this.isOver) this.write(this.wanted.format.written(event, data));
  }

  private write(text: string): void {
    this.stream ??= this.begin();
    // As much waits here for a slow client as there are parts, at most.
    this.stream.push(text);
    this.awaitHeartbeat();
  }

  private begin(): Readable {
    const { reply, request, runner, format } = this.wanted;
    const stream = new Readable({ read: nothing });
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
    return stream;
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

const logger = new Logger('Composite');

const NO_REPORT: CompositeReport = { complete: false, parts: [] };

function nothing(): void {
  // What there is has been pushed already.
}

function beat(delivery: ProgressiveDelivery): void {
  delivery.beat();
}
