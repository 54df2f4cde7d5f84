import { ExpectedError } from '../../resilience/expected-error.js';
import { scrubbedText } from './scrubbed-text.js';

/** How deep causes are followed. */
const MAX_CAUSES = 4;

/** What is logged of an error. */
export interface LoggableError {
  readonly name?: string;
  readonly message?: string;
  /** `ECONNREFUSED` and the like. */
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: LoggableError;
}

/**
 * Name, message, code, stack and causes of an error, and nothing else of it: what libraries hang on theirs (an
 * AxiosError its request, with all headers) is as secret as the request was. Errors of this gateway's own keep their
 * causes to themselves.
 */
export function loggableError(error: object, depth = 0): LoggableError {
  // Whatever their types say: an error may be given any name.
  const { name, message, stack, cause, code } = error as Readonly<Partial<Record<string, unknown>>>;
  const isFollowed = cause instanceof Error && !(error instanceof ExpectedError) && depth < MAX_CAUSES;
  return {
    name: scrubbedText(String(name)),
    message: scrubbedText(String(message)),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack: scrubbedText(stack) } : {}),
    ...(isFollowed ? { cause: loggableError(cause, depth + 1) } : {}),
  };
}
