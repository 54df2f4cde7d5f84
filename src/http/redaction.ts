import { types } from 'node:util';
import { AxiosError, type AxiosResponse, type InternalAxiosRequestConfig, isAxiosError } from 'axios';
import { NotJsonError } from './wire-errors.js';
import { type FailedExchange, markFailure } from './wire-failure.js';

// What a system or protocol error says about itself without quoting traffic. Anything else that is
// enumerable on a cause (the parser's raw bytes, the URL that did not parse, a certificate) is hidden.
const TELLING: ReadonlySet<string> = new Set([
  'address',
  'code',
  'dest',
  'errno',
  'host',
  'hostname',
  'limitBytes',
  'limitName',
  'message',
  'name',
  'port',
  'reason',
  'syscall',
]);

const MAY_HOLD_SECRETS = ['config', 'request', 'response'] as const;

/**
 * Makes an error safe to log: `config`, `request` and `response` stay where programs look for them but are
 * no longer enumerable, and `toJSON()` leaves them out. `JSON.stringify`, `util.inspect` and loggers built
 * on them then show code, message, status and stack: no header, credential, query value or body.
 * Errors that are not AxiosErrors are returned as they are, save for the URL that Node quotes in
 * ERR_INVALID_URL.
 */
export function redacted<E>(error: E): E {
  if (isAxiosError(error)) {
    for (const key of MAY_HOLD_SECRETS) hide(error, key);
    Object.defineProperty(error, 'toJSON', { value: toJson, writable: true, configurable: true });
    if (types.isNativeError(error.cause)) quiet(error.cause);
  } else if (types.isNativeError(error) && (error as NodeJS.ErrnoException).code === 'ERR_INVALID_URL') {
    quiet(error);
  }
  return error;
}

/** The redacted AxiosError for a failed exchange. */
export function axiosErrorOf(
  failure: FailedExchange,
  config: InternalAxiosRequestConfig,
  request?: unknown,
  response?: AxiosResponse,
): AxiosError {
  const { message, code } = failure.code === AxiosError.ECONNABORTED ? timedOut(failure, config) : failure;
  const error = new AxiosError(message, code, config, request, response);
  if (failure.cause !== undefined) {
    Object.defineProperty(error, 'cause', { value: failure.cause, writable: true, configurable: true });
  }
  return markFailure(redacted(error), failure.kind);
}

/** A response whose status `validateStatus` refused, in stock axios' words. */
export function statusErrorOf(
  config: InternalAxiosRequestConfig,
  request: unknown,
  response: AxiosResponse,
): AxiosError {
  const { status } = response;
  return axiosErrorOf(
    {
      kind: 'status',
      code: status >= 400 && status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE,
      message: `Request failed with status code ${status}`,
    },
    config,
    request,
    response,
  );
}

/** A body that is not JSON where `silentJSONParsing: false` demands it. */
export function badJsonErrorOf(
  config: InternalAxiosRequestConfig,
  request: unknown,
  response: AxiosResponse,
): AxiosError {
  const cause = new NotJsonError();
  return axiosErrorOf(
    { kind: 'invalid', code: AxiosError.ERR_BAD_RESPONSE, message: cause.message, cause },
    config,
    request,
    response,
  );
}

function timedOut(
  { message }: FailedExchange,
  { timeoutErrorMessage, transitional }: InternalAxiosRequestConfig,
): Pick<FailedExchange, 'message' | 'code'> {
  return {
    message: timeoutErrorMessage ?? message,
    code: transitional?.clarifyTimeoutError === true ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED,
  };
}

function quiet(cause: Error): void {
  for (const key of Object.keys(cause)) {
    if (!TELLING.has(key)) hide(cause, key);
  }
}

function hide(target: object, key: string): void {
  const held = Object.getOwnPropertyDescriptor(target, key);
  if (held?.enumerable === true && held.configurable === true) {
    Object.defineProperty(target, key, { ...held, enumerable: false });
  }
}

function toJson(this: AxiosError): object {
  return { name: this.name, message: this.message, code: this.code, status: this.status, stack: this.stack };
}
