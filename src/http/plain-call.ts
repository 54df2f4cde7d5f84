import { type AxiosError, type AxiosResponse } from 'axios';
import { type Subscriber } from 'rxjs';
import { type WireHead, type WireResponse, type WireSink } from './exchange.js';
import { type PlainRequest } from './plain-config.js';
import { axiosErrorOf, badJsonErrorOf, statusErrorOf } from './redaction.js';
import { SentRequest } from './sent-request.js';
import { type FailedExchange } from './wire-failure.js';

/** Turns the end of an exchange into what axios would answer, without axios. */
export class PlainCall implements WireSink {
  constructor(
    private readonly request: PlainRequest,
    private readonly subscriber: Subscriber<AxiosResponse<unknown>>,
  ) {}

  received(answer: WireResponse): void {
    const { subscriber } = this;
    const response = this.responseWith(answer, this.dataOf(answer));
    let error: unknown;
    try {
      error = this.judge(response);
    } catch (thrown) {
      error = thrown;
    }
    if (error !== undefined) {
      subscriber.error(error);
    } else {
      subscriber.next(response);
      subscriber.complete();
    }
  }

  failed(failure: FailedExchange, head: WireHead | undefined): void {
    const { config } = this.request;
    const request = new SentRequest(head?.request ?? this.request.wire);
    const response = head === undefined ? undefined : this.responseWith(head, undefined);
    this.subscriber.error(axiosErrorOf(failure, config, request, response));
  }

  errorOf(failure: FailedExchange): AxiosError {
    return axiosErrorOf(failure, this.request.config, new SentRequest(this.request.wire));
  }

  private dataOf({ body }: WireResponse): unknown {
    return Buffer.isBuffer(body) && this.request.responseType !== 'arraybuffer' ? textOf(body) : body;
  }

  /** Parses the body in place; the error that stands in its way, if there is one. */
  private judge(response: AxiosResponse<unknown>): AxiosError | undefined {
    const { config, json, validateStatus } = this.request;
    const accepted = typeof validateStatus !== 'function' || validateStatus(response.status);
    const { data } = response;
    if (json !== false && typeof data === 'string' && data !== '') {
      try {
        response.data = JSON.parse(data);
      } catch {
        // A bad status stays a bad status, whatever an error page is written in.
        if (json === 'strict' && accepted) return badJsonErrorOf(config, response.request, response);
      }
    }
    return accepted ? undefined : statusErrorOf(config, response.request, response);
  }

  private responseWith(head: WireHead, data: unknown): AxiosResponse<unknown> {
    return {
      data,
      status: head.status,
      statusText: head.statusText,
      headers: head.headers,
      config: this.request.config,
      request: new SentRequest(head.request),
      duration: head.durationMs,
    };
  }
}

/** UTF-8 text without its byte order mark, as axios reads it. */
export function textOf(body: Buffer): string {
  const text = body.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}
