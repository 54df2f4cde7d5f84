import { wireFailureOf } from '../http/wire-failure.js';

const SAID: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'there is no host of its name',
  EAI_AGAIN: 'the name of its host could not be looked up',
  EHOSTUNREACH: 'no way leads to its host',
  ENETUNREACH: 'no way leads to its network',
  ETIMEDOUT: 'no connection in time',
};

const CODE = /^[A-Z][A-Z0-9_]*$/;

/** Why no connection came about, by the code of the error beneath: its message would hold an address. */
export function connectDetail(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  if (typeof code !== 'string' || !CODE.test(code)) return undefined;
  if (wireFailureOf(cause) === 'certificate') return `its certificate was not accepted (${code})`;
  return SAID[code] ?? code;
}
