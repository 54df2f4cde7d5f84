import { STATUS_CODES } from 'node:http';

/** A request that is answered with an error status, and why. Routes throw it; the service sends it as JSON. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The body of every error these services answer: `{"status":404,"error":"Not Found","message":"..."}`. */
export function errorBody(status: number, message: string): Readonly<Record<string, unknown>> {
  return { status, error: STATUS_CODES[status] ?? 'Error', message };
}
