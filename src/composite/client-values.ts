import { RequestProblem, type RequestFlaw } from '../aggregation/request-problem.js';
import { type UrlTemplateError } from '../upstream/template-expression.js';
import { type ParamConfig } from './config/composite-config.js';
import { type ScopePath } from './expression.js';
import { type PlannedPart } from './plan.js';
import { type ValueTemplate } from './value-template.js';

/** Where in a client's request a value stands. */
type RequestPlace = Pick<RequestFlaw, 'in' | 'name'>;

/** Where the value of one template comes from. */
interface Origin {
  /** Whether it is made of what an upstream has answered. */
  readonly ofParts: boolean;
  /** The places of the client's request that it is made of. */
  readonly places: readonly RequestPlace[];
}

/** What of a part is needed to say where its values come from. */
type Sent = Pick<PlannedPart, 'values' | 'headers' | 'idempotencyKey' | 'join'>;

/**
 * Which values of a part's calls are the client's own, and which are made of other parts. What cannot be sent of the
 * former is for the client to put right; of the latter, it fails the part. Made once for a part.
 */
export class ClientValues {
  private readonly urlOrigins: ReadonlyMap<string, Origin>;
  private readonly headerOrigins: ReadonlyMap<string, Origin>;
  private readonly keyOrigin: Origin;

  constructor({ values, headers, idempotencyKey, join }: Sent, params: readonly ParamConfig[]) {
    const items = originOf(join?.items.paths ?? [], params, LITERAL);
    const origins = (templates: ReadonlyMap<string, ValueTemplate>): ReadonlyMap<string, Origin> =>
      new Map([...templates].map(([name, { paths }]) => [name, originOf(paths, params, items)]));
    this.urlOrigins = origins(values);
    this.headerOrigins = origins(headers);
    this.keyOrigin = originOf(idempotencyKey?.paths ?? [], params, items);
  }

  /** Whether the variables of the URL are made of the client's request alone, so that it can be checked up front. */
  get makeUrl(): boolean {
    return [...this.urlOrigins.values()].every(({ ofParts }) => !ofParts);
  }

  /** Whether the value of a variable of the URL is made of what other parts are. */
  isOfParts(variable: string): boolean {
    return this.urlOrigins.get(variable)?.ofParts === true;
  }

  /** A 400, if what cannot stand in the URL has come from the client. */
  readonly urlRefusal = ({ fault }: UrlTemplateError): RequestProblem | undefined =>
    fault &&
    problemOf(
      fault.variables.map((name) => this.urlOrigins.get(name) ?? LITERAL),
      fault.detail,
    );

  /** The same for a header. */
  headerRefusal(name: string, detail: string): RequestProblem | undefined {
    return problemOf([this.headerOrigins.get(name) ?? LITERAL], detail);
  }

  /** The same for the idempotency key. */
  idempotencyKeyRefusal(detail: string): RequestProblem | undefined {
    return problemOf([this.keyOrigin], detail);
  }
}

const LITERAL: Origin = { ofParts: false, places: [] };

function problemOf(origins: readonly Origin[], detail: string): RequestProblem | undefined {
  if (origins.some(({ ofParts, places }) => ofParts || places.length === 0)) return undefined;
  const flaws = new Map<string, RequestFlaw>();
  for (const { places } of origins) {
    for (const place of places) flaws.set(`${place.in} ${place.name}`, { ...place, detail });
  }
  return RequestProblem.of([...flaws.values()]);
}

/** @param items what a join is asked for, which is what its keys and items are. */
function originOf(paths: readonly ScopePath[], params: readonly ParamConfig[], items: Origin): Origin {
  const origins = paths.map((path) => originOfPath(path, params, items));
  return {
    ofParts: origins.some(({ ofParts }) => ofParts),
    places: origins.flatMap(({ places }) => places),
  };
}

function originOfPath(
  [root = '', ...path]: ScopePath,
  params: readonly ParamConfig[],
  items: Origin,
): Origin {
  switch (root) {
    case 'params': {
      const param = params.find(({ name }) => name === path[0]);
      return param === undefined
        ? LITERAL
        : { ofParts: false, places: [{ in: param.in, name: param.alias }] };
    }
    case 'body':
      return { ofParts: false, places: [{ in: 'body', name: pointerTo(path) }] };
    case 'key':
    case 'keys':
    case 'item':
      return items;
    default:
      return { ofParts: true, places: [] };
  }
}

/** As far as it is one place. */
function pointerTo(path: ScopePath): string {
  const several = path.indexOf('*');
  return path
    .slice(0, several === -1 ? undefined : several)
    .map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
