import { type AuthScheme, type CompositeConfig, type ForwardConfig } from './config/composite-config.js';
import { type ReadPart } from './part-reading.js';

/**
 * Whether a part is a guard: one whose failure is to end the composite, whatever of the response is asked for and however
 * that is delivered. That is
 *
 * - a required part that the response does not show, whoever else refers to it, and
 * - where the composite has `auth`, a required part whose call carries these credentials: its upstream judges them.
 *
 * Guards run with every `?fields=`, and nothing of a response that comes part by part is sent before all of them have
 * ended.
 *
 * @param forwardedBy the headers that an upstream passes on with each call.
 */
export function isGuard(
  { config, scope }: Pick<ReadPart, 'config' | 'scope'>,
  composite: CompositeConfig,
  forwardedBy: (upstream: string) => readonly string[],
): boolean {
  if (!config.required) return false;
  if (config.hidden) return true;
  if (composite.auth === undefined) return false;
  const forward = config.forward ?? composite.forward;
  const headers = [...forward.headers, ...forwardedBy(config.upstream)];
  if (passesOn(composite.auth, forward, headers)) return true;
  const credentials = credentialParams(composite.auth, composite);
  return credentials.length > 0 && (scope.allParams || credentials.some((name) => scope.params.has(name)));
}

function passesOn(auth: AuthScheme, { cookies }: ForwardConfig, headers: readonly string[]): boolean {
  return auth === 'cookie'
    ? cookies.length > 0 || headers.includes('cookie')
    : headers.includes('authorization');
}

/** The parameters that hold credentials. */
function credentialParams(auth: AuthScheme, { params, forward, parts }: CompositeConfig): readonly string[] {
  const sessions = parts.flatMap((part) => (part.forward ?? forward).cookies);
  return params
    .filter(({ in: where, alias }) =>
      auth === 'cookie'
        ? where === 'cookie' && sessions.includes(alias)
        : where === 'header' && alias === 'authorization',
    )
    .map(({ name }) => name);
}
