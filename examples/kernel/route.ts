import { type IncomingHttpHeaders } from 'node:http';
import { type Query } from './query.js';
import { Refusal } from './refusal.js';

/** What a route is told of the request. */
export interface RouteRequest {
  /** The named segment of the path, decoded; empty where the path names none. */
  readonly id: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body of a POST; undefined otherwise. */
  readonly body: unknown;
}

/** What a route answers: the body is sent as JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One verb on one path. HEAD comes with GET. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Fixed segments and at most one `{id}`: `/orders`, `/orders/{id}`. */
  readonly path: string;
  /** The query parameters it knows; any other is refused. */
  readonly query?: readonly string[];
  readonly handle: (request: RouteRequest) => Answer;
}

/** One of the six services: its name and, built when it starts, its routes over its own data. */
export interface ServiceDefinition {
  readonly name: string;
  readonly routes: () => readonly Route[];
}

/** 200 with a body. */
export function ok(body: object): Answer {
  return { status: 200, body };
}

/**
 * 200 with a record that was looked up.
 * @throws {Refusal} 404 where there is none.
 */
export function found(record: object | undefined, what: string, id: string): Answer {
  if (!record) throw new Refusal(404, `There is no ${what} "${id.slice(0, 40)}".`);
  return ok(record);
}
