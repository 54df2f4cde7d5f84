import { type Path } from '../../upstream/config/configuration-source.js';

/** One composite of `gateway.yaml`, as it was written, with defaults; durations in ms. */
export interface CompositeConfig {
  readonly name: string;
  /** Where it stands in the file. */
  readonly at: Path;
  /** In upper case. */
  readonly method: string;
  /** Path with its parameters in braces: `/customers/{id}/overview`. */
  readonly route: string;
  readonly summary: string | undefined;
  readonly description: string | undefined;
  readonly tags: readonly string[];
  readonly params: readonly ParamConfig[];
  /** JSON Schema of the request's body; undefined where it takes none. */
  readonly bodySchema: JsonSchema | undefined;
  readonly auth: AuthScheme | undefined;
  /** What parts without a `forward` of their own pass on. */
  readonly forward: ForwardConfig;
  /** Default 3000. */
  readonly deadline: number;
  /** Of a complete answer. Default 200. */
  readonly status: number;
  /** Of an answer in which a part fell back. Default: `status`. */
  readonly partialStatus: number | undefined;
  /** Statuses of a required part's upstream that become the response's own. Default 401, 403, 404, 410. */
  readonly passThrough: readonly number[];
  /** Whether the part report stands in the body too. */
  readonly reportInBody: boolean;
  /** Whether `?fields=` may ask for some of the answer only. Default true for GET. */
  readonly sparse: boolean;
  /** In the order of the file, which is the order of the answer. */
  readonly parts: readonly PartConfig[];
}

export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

export type AuthScheme = 'bearer' | 'basic' | 'cookie';

/** A value of the client's request, under `params` in expressions. */
export interface ParamConfig {
  /** What expressions call it. */
  readonly name: string;
  readonly at: Path;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  /** What the request calls it; a header in lower case. Default: the name. */
  readonly alias: string;
  readonly required: boolean;
  readonly description: string | undefined;
  /** JSON Schema of the value: `type` is string, integer, number, boolean or array (of one of those). */
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What is passed on of the client's request: nothing that is not named. */
export interface ForwardConfig {
  /** In lower case. */
  readonly headers: readonly string[];
  /** Query parameters, as they came. */
  readonly query: readonly string[];
  readonly cookies: readonly string[];
  /** The client's body, as it was parsed. */
  readonly body: boolean;
}

/**
 * A branch of a composite. Wherever a value is made (`values`, `headers`, `body`, `idempotencyKey`), a string is a
 * JMESPath expression and everything else stands for itself.
 */
export interface PartConfig {
  readonly name: string;
  readonly at: Path;
  readonly upstream: string;
  /** In upper case. */
  readonly method: string;
  /** RFC 6570 template of path and query. */
  readonly url: string;
  /** Values for the template's variables; one without is the client's parameter of that name, or a path into the scope. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Sent with the call; names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>;
  /** Undefined for the composite's own. */
  readonly forward: ForwardConfig | undefined;
  /** What is sent as JSON; undefined for nothing. */
  readonly body: unknown;
  /** Whether a POST changes nothing, a search with a body say: then it is no write. Default false. */
  readonly reads: boolean;
  /** Sent as `Idempotency-Key`: makes a POST or PATCH safe to repeat. */
  readonly idempotencyKey: unknown;
  readonly required: boolean;
  /** Stands in for the selected value. Default null. */
  readonly fallback: unknown;
  /** Whether a fallback was written. A list join without one keeps its shape, whatever fails. */
  readonly hasFallback: boolean;
  /** The longest it may take, in ms. */
  readonly within: number | undefined;
  /** JMESPath over the scope; where it does not hold the part is skipped, and its fallback stands in. */
  readonly when: string | undefined;
  /** Parts that must have ended first, beyond those it refers to. */
  readonly needs: readonly string[];
  /** JMESPath over the answer (of each item, in a join). */
  readonly select: string | undefined;
  /** Dotted paths that stay; the others go. */
  readonly pick: readonly string[] | undefined;
  /** Dotted paths that go. */
  readonly omit: readonly string[];
  /** Dotted path to the new name of its last segment. */
  readonly rename: Readonly<Record<string, string>>;
  /** Place in the response. Default: the name. */
  readonly as: readonly string[];
  /** Whether its keys stand in the root of the response, instead of below `as`. */
  readonly flatten: boolean;
  /**
   * Whether other parts may use it but the response does not hold it. One that is required is a guard: it runs with every
   * `?fields=`, and a response that comes part by part begins behind it.
   */
  readonly hidden: boolean;
  /** What happens where an earlier part has written the same place. */
  readonly merge: MergePolicy | undefined;
  /** JSON Schema the answer (of each call) must fit; another one is `invalid`. */
  readonly schema: JsonSchema | undefined;
  readonly forEach: ForEachConfig | undefined;
}

export type MergePolicy =
  | { readonly policy: 'deep' | 'concat' }
  | { readonly policy: 'by-key'; /** The field of both lists' items. */ readonly key: string };

/** A list join: one call for each distinct key among the items, or for each batch of them. */
export interface ForEachConfig {
  /** JMESPath over the scope: a list of items, or of keys. */
  readonly items: string;
  /** JMESPath over an item; undefined where the items are the keys. */
  readonly key: string | undefined;
  readonly batch: BatchConfig | undefined;
  /** Calls at once. Default 8. */
  readonly concurrency: number;
  /** Distinct keys that are asked for; those beyond it count as failed, with reason `too-large`. Default 200. */
  readonly maxItems: number;
  /** Stands in for an item that the upstream does not have. Default null. */
  readonly missing: unknown;
  /** Where the values go. */
  readonly collect:
    | { readonly form: 'map' | 'list' }
    | { readonly form: 'stitch'; /** The field each item gets. */ readonly field: string };
}

export interface BatchConfig {
  /** Keys a call. From 1 to 1000. */
  readonly size: number;
  /** JMESPath over an element of the batch's answer: its key. */
  readonly key: string;
}

/** Names of the scope that are no parts. */
export const RESERVED_NAMES: readonly string[] = ['params', 'body', 'item', 'key', 'keys'];
