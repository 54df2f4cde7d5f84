import { Injectable, Logger } from '@nestjs/common';
import { type FailureReason } from '../upstream/upstream-error.js';
import { type ExchangeContext, type FinishedComposite } from './exchange-context.js';

/** Why a request was answered with a 5xx, for those who run the gateway. */
export interface ExchangeFailure {
  /** The part that ended its composite; undefined for a failure outside any. */
  readonly part: string | undefined;
  /** Undefined for what nobody expected. */
  readonly reason: FailureReason | undefined;
  /** In a few words, none of which is a value, a URL or a header. */
  readonly detail: string;
  /** What nobody expected, as it was. */
  readonly unexpected: unknown;
}

/** A request to the API has been answered, or its client has left. */
export interface ExchangeEvent {
  readonly requestId: string;
  /** In upper case. */
  readonly method: string;
  /** As it was declared, with parameters as `{id}`; undefined where no route fits the path. */
  readonly route: string | undefined;
  /** Undefined where the client left before there was one. */
  readonly status: number | undefined;
  /** Whether the client left before it had the whole answer. */
  readonly clientLeft: boolean;
  /** When the head of the request had arrived, in ms since the epoch. */
  readonly startedAt: number;
  /** From then until the last byte of the answer was handed over. */
  readonly durationMs: number;
  /** The composites it was made of, in the order they started in; none for a request that never reached one. */
  readonly composites: readonly NamedComposite[];
  /** Undefined where it was refused before a handler was looked for. */
  readonly exchange: ExchangeContext | undefined;
  /** The size its body was announced with; undefined where it was not, and for a client that left. */
  readonly bytes?: number | undefined;
  /** Undefined where it was answered otherwise, and where that was somebody's wish: a refusal at the door, say. */
  readonly failure?: ExchangeFailure | undefined;
}

/** A composite by its name: the one it was given, or the verb and the route it is served at, `GET /orders/{id}`. */
export interface NamedComposite extends FinishedComposite {
  readonly name: string;
}

type Listener = (event: ExchangeEvent) => void;

/**
 * What metrics, logs and the console listen to. A listener that throws harms neither the request nor the other
 * listeners. Where nobody listens, no event is made.
 */
@Injectable()
export class ExchangeEvents {
  private readonly logger = new Logger(ExchangeEvents.name);
  private listeners: readonly Listener[] = [];

  get active(): boolean {
    return this.listeners.length > 0;
  }

  /** Starts listening, to requests that come in from now on; the answer stops it. */
  subscribe(listener: Listener): () => void {
    const own: Listener = (event) => {
      listener(event);
    };
    this.listeners = [...this.listeners, own];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== own);
    };
  }

  emit(event: ExchangeEvent): void {
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        this.logger.error('a listener to requests failed', error);
      }
    }
  }
}
