import { type CompositeConfig } from './composite-config.js';
import { type Place } from './place.js';

const PARAMETER = /^\{(.*)\}$/;
const PARAMETER_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** RFC 3986's `pchar` without percent-encoding: written as it is sent, and read as it is written. */
const LITERAL = /^[A-Za-z0-9._~!$&'()+,;=@-]+$/;

/** First segments of what the gateway serves itself. */
const OWN_ROUTES: readonly string[] = ['health', 'docs', 'docs-yaml', 'openapi.json'];

/** The names in braces of a route, in order. */
export function routeParameters(route: string): readonly string[] {
  return route.split('/').flatMap((segment) => PARAMETER.exec(segment)?.[1] ?? []);
}

/** The parameters that a route means to have, well written or not. */
export function meantParameters(route: string): readonly string[] {
  return [...route.matchAll(/\{[^\w{}]?([^{}]*)\}|(?<=\/):(\w+)/g)].map(
    ([, inBraces, behindColon]) => inBraces ?? behindColon ?? '',
  );
}

/** Reports what keeps a text from being a route. */
export function checkRoute(route: string, place: Place): void {
  if (route === '/') return;
  const [, ...segments] = route.split('/');
  const [first = ''] = segments;
  if (OWN_ROUTES.includes(first)) {
    place.unexpected(`another route: the gateway serves /${first} itself`);
    return;
  }
  let offset = 1;
  const seen = new Set<string>();
  for (const segment of segments) {
    const flaw = flawOf(segment, seen);
    if (flaw !== undefined) {
      place.unexpectedWithin(offset, segment === '' ? 'an empty segment' : segment, flaw);
      return;
    }
    seen.add(segment);
    offset += segment.length + 1;
  }
}

/** What is expected instead of a segment; undefined if it may stand where it does. */
function flawOf(segment: string, before: ReadonlySet<string>): string | undefined {
  if (segment === '')
    return 'segments of at least one character between single slashes, and none behind the last';
  const [, name] = PARAMETER.exec(segment) ?? [];
  if (name !== undefined) {
    if (!PARAMETER_NAME.test(name)) {
      const hint = /^[?&]/.test(name) ? '; what stands behind the path is declared under params' : '';
      return `a parameter of letters, digits and _, such as {id}${hint}`;
    }
    return before.has(segment) ? 'each parameter once' : undefined;
  }
  if (/[?#]/.test(segment)) return 'a path only: query parameters are declared under params';
  if (/[{}]/.test(segment)) return 'a parameter that is a whole segment, such as /{id}/';
  if (segment.startsWith(':')) return `{${segment.slice(1)}}: parameters stand in braces`;
  if (segment === '.' || segment === '..') return 'a segment that is no dots: clients leave those out';
  return LITERAL.test(segment) ? undefined : `letters, digits and any of - . _ ~ ! $ & ' ( ) + , ; = @`;
}

/** Reports composites that would answer the requests of an earlier one. */
export function checkDistinctRoutes(composites: readonly CompositeConfig[], file: Place): void {
  const taken = new Map<string, CompositeConfig>();
  for (const composite of composites) {
    const { method, route, at } = composite;
    if (route === '') continue;
    const shape = `${method} ${route.replace(/\{[^{}/]*\}/g, '{}')}`;
    const earlier = taken.get(shape);
    if (earlier === undefined) taken.set(shape, composite);
    else {
      const { written } = file.below(...earlier.at, method.toLowerCase());
      file
        .below(...at, method.toLowerCase())
        .unexpected(`another route: ${earlier.name} answers ${method} ${written} already`);
    }
  }
}
