import { HttpException } from '@nestjs/common';

/** One thing that is wrong with a client's request. What was sent is never repeated. */
export interface RequestFlaw {
  readonly in: 'path' | 'query' | 'header' | 'cookie' | 'body';
  /** The parameter as the request calls it; of a body, the JSON pointer (RFC 6901) to the place, '' for its root. */
  readonly name: string;
  /** What was expected. */
  readonly detail: string;
}

/** A request that cannot be served as it is. Becomes a problem document with all its flaws in `errors`. */
export class RequestProblem extends HttpException {
  constructor(
    status: number,
    detail: string,
    readonly errors: readonly RequestFlaw[] = [],
    /** Header fields that go with it. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(detail, status);
  }

  /** A 400 that says everything that is wrong. */
  static of(flaws: readonly RequestFlaw[]): RequestProblem {
    const [first] = flaws;
    const detail =
      first !== undefined && flaws.length === 1
        ? `${placeOf(first)} ${first.detail}.`
        : `The request is not valid in ${flaws.length} places.`;
    return new RequestProblem(400, detail, flaws);
  }
}

function placeOf({ in: place, name }: RequestFlaw): string {
  switch (place) {
    case 'body':
      return name === '' ? 'The body' : `The body at ${name}`;
    case 'header':
    case 'cookie':
      return `The ${place} '${name}'`;
    case 'path':
    case 'query':
      return `The ${place} parameter '${name}'`;
  }
}
