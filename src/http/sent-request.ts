import { type WireRequest } from './wire-request.js';

/**
 * What stands in `response.request` and `error.request`, in place of stock's ClientRequest: the parts of it
 * that people read. After redirects it is the last request.
 */
export class SentRequest {
  readonly #wire: WireRequest;

  constructor(wire: WireRequest) {
    this.#wire = wire;
  }

  get method(): string {
    return this.#wire.method;
  }

  get protocol(): string {
    return new URL(this.#wire.origin).protocol;
  }

  get host(): string {
    return new URL(this.#wire.origin).hostname;
  }

  get path(): string {
    return this.#wire.path;
  }

  /** `response.request.res.responseUrl` is where the answer came from. */
  get res(): { readonly responseUrl: string } {
    return { responseUrl: this.#wire.origin + this.#wire.path };
  }
}
