import { ExpectedError } from '../resilience/expected-error.js';

/** A list join asks for more than it may, or got an answer in which nothing can be found by its key. */
export class JoinError extends ExpectedError {
  constructor(
    readonly reason: 'too-large' | 'invalid',
    message: string,
  ) {
    super(message);
  }
}
