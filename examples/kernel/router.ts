import { Refusal } from './refusal.js';
import { type Route } from './route.js';

/** The route a request is for, and the `{id}` of its path. */
export interface Match {
  readonly route: Route;
  readonly id: string;
}

interface Place {
  readonly segments: readonly string[];
  readonly idAt: number;
  readonly routes: readonly Route[];
}

/** Finds the route for a verb and a path. */
export class Router {
  private readonly places: readonly Place[];

  constructor(routes: readonly Route[]) {
    const paths = [...new Set(routes.map(({ path }) => path))];
    this.places = paths
      .map((path) => {
        const segments = path.split('/');
        return {
          segments,
          idAt: segments.indexOf('{id}'),
          routes: routes.filter((route) => route.path === path),
        };
      })
      // A fixed path wins over a named segment: /reviews/summary is not the review called "summary".
      .sort((one, other) => one.idAt - other.idAt);
  }

  /** @throws {Refusal} 404 for an unknown path, 405 with `Allow` for a known path and another verb. */
  match(method: string, path: string): Match {
    const segments = path.split('/');
    const place = this.places.find((candidate) => fits(candidate, segments));
    if (!place) throw new Refusal(404, `Nothing lives at ${path.slice(0, 80)}.`);
    const wanted = method === 'HEAD' ? 'GET' : method;
    const route = place.routes.find((candidate) => candidate.method === wanted);
    if (!route) {
      throw wrongVerb(
        method,
        place.routes.map((candidate) => candidate.method),
      );
    }
    return { route, id: decoded(segments[place.idAt] ?? '') };
  }
}

/** 405 that says what would have been allowed. */
export function wrongVerb(method: string, allowed: readonly string[]): Refusal {
  const allow = allowed.flatMap((verb) => (verb === 'GET' ? ['GET', 'HEAD'] : [verb])).join(', ');
  return new Refusal(405, `${method} is not possible here; ${allow} is.`, { allow });
}

function fits({ segments: pattern, idAt }: Place, segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (index === idAt ? segments[index] !== '' : part === segments[index]))
  );
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal(400, `"${segment.slice(0, 40)}" is not valid percent-encoding.`);
  }
}
