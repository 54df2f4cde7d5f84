import { type CompositeConfig, type ForwardConfig, type PartConfig } from './composite-config.js';
import { UNFORWARDABLE_HEADERS } from '../forwarding.js';
import { type Place } from './place.js';

/** Verbs whose requests have a body to pass on, and whose calls can carry it. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

export function hasBody({ method }: { readonly method: string }): boolean {
  return WITH_BODY.has(method);
}

/** Reports what the composite and its parts forward, where it contradicts itself or what else they send. */
export function checkForwarding(composite: CompositeConfig, place: Place): void {
  const own = place.below('forward');
  checkLists(own);
  if (composite.forward.body && !hasBody(composite)) {
    own.below('body').unexpectedKey('it on a GET', 'none: a GET has no body');
  }
  for (const part of composite.parts) {
    const at = place.below('parts', part.name);
    if (part.forward !== undefined) checkPartForward(part, part.forward, composite, at);
    checkSentTwice(part, part.forward ?? composite.forward, at);
  }
}

function checkLists(place: Place): void {
  for (const key of ['headers', 'query', 'cookies']) {
    const seen = new Set<string>();
    for (const [index, written] of place.below(key).names) {
      const name = key === 'headers' ? written.toLowerCase() : written;
      const at = place.below(key, index);
      const reason = key === 'headers' ? UNFORWARDABLE_HEADERS.get(name) : undefined;
      if (seen.has(name)) at.unexpected('each name once');
      else if (reason !== undefined) at.unexpected(`another header: ${reason}`);
      seen.add(name);
    }
  }
}

/** Reports a body that is forwarded where no part sends one. */
export function checkBodySent({ forward, parts, method }: CompositeConfig, place: Place): void {
  const isSent = parts.some((part) => hasBody(part) && part.forward === undefined && part.body === undefined);
  if (!forward.body || isSent || !hasBody({ method })) return;
  place
    .below('forward', 'body')
    .unexpectedKey(
      'it without a part that sends it',
      'a part that is a POST, PUT, PATCH or DELETE, without a body or a forward of its own',
    );
}

function checkPartForward(
  part: PartConfig,
  forward: ForwardConfig,
  composite: CompositeConfig,
  at: Place,
): void {
  const own = at.below('forward');
  checkLists(own);
  if (!forward.body) return;
  const body = own.below('body');
  if (!hasBody(part)) body.unexpectedKey(`it on a ${part.method}`, `none: a ${part.method} sends no body`);
  else if (!hasBody(composite))
    body.unexpectedKey('it in a composite that is a GET', 'none: a GET has no body to pass on');
  else if (part.body !== undefined) body.unexpectedKey('it next to body', 'one of the two');
}

/** What is forwarded and sent by the part itself as well. */
function checkSentTwice({ headers, url }: PartConfig, forward: ForwardConfig, at: Place): void {
  for (const key of at.below('headers').keys) {
    const name = key.toLowerCase();
    if (Object.hasOwn(headers, name) && forward.headers.includes(name)) {
      at.below('headers', key).unexpectedKey(
        `${name}, which forward passes on as well`,
        'it in one of the two',
      );
    }
  }
  const sent = queryNames(url);
  const said = (name: string): string =>
    `the query parameter ${name} once: the URL sends it, and forward passes it on`;
  if (at.has('forward')) {
    const own = at.below('forward', 'query');
    for (const [index, name] of own.names) if (sent.has(name)) own.below(index).unexpected(said(name));
    return;
  }
  const verb = at.keys.find((key) => ['get', 'head', 'post', 'put', 'patch', 'delete'].includes(key));
  for (const name of forward.query.filter((name) => sent.has(name)))
    at.below(verb ?? 'get').unexpected(said(name));
}

/** The query parameters that a URL template sends by itself. */
function queryNames(url: string): ReadonlySet<string> {
  const expressions = [...url.matchAll(/\{[?&]([^{}]*)\}/g)].flatMap(([, list = '']) => list.split(','));
  const literals = [...url.replace(/\{[^{}]*\}/g, '').matchAll(/[?&]([^=&?]+)/g)].map(
    ([, name = '']) => name,
  );
  return new Set([...expressions.map((variable) => variable.replace(/(?:\*|:\d+)$/, '')), ...literals]);
}

/** Reports `auth` where no part hands the credentials to an upstream, which is to judge them. */
export function checkCredentials(
  { auth, forward, parts, params }: CompositeConfig,
  forwardedBy: (upstream: string) => readonly string[],
  place: Place,
): void {
  if (auth === undefined) return;
  const isSent =
    auth === 'cookie'
      ? parts.some((part) => (part.forward ?? forward).cookies.length > 0)
      : handsOnHeader('authorization', parts, forward, forwardedBy) ||
        params.some(({ in: where, alias }) => where === 'header' && alias === 'authorization');
  if (isSent) return;
  const how = auth === 'cookie' ? 'forward: { cookies: [...] }' : 'forward: { headers: [authorization] }';
  place
    .below('auth')
    .unexpected(`a part that hands the credentials to its upstream, which judges them: ${how}`);
}

function handsOnHeader(
  header: string,
  parts: readonly PartConfig[],
  forward: ForwardConfig,
  forwardedBy: (upstream: string) => readonly string[],
): boolean {
  return parts.some(
    (part) =>
      (part.forward ?? forward).headers.includes(header) || forwardedBy(part.upstream).includes(header),
  );
}
