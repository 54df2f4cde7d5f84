import { compositeRequest, type CompositeRequest, RequestMistake } from '../composite/composite-request.js';
import { type CompositeConfig, type ParamConfig } from '../composite/config/composite-config.js';
import { SchemaSample } from './schema-sample.js';
import { type StubInput } from './stub-answers.js';
import { type ValueSketch } from './value-sketch.js';

export interface GivenRequest {
  /** Values by the names of parameters. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Undefined for one that is made up. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SampleRequest {
  readonly request: CompositeRequest;
  /** What it gives to the composite. */
  readonly input: StubInput;
}

/**
 * A request that a composite should take: with what was given, and the rest made up from the schemas of its parameters
 * and its body, and from what its expressions look for in the body.
 *
 * @throws RequestMistake naming the parameters nothing could be made up for.
 */
export function sampleRequest(
  config: CompositeConfig,
  given: GivenRequest,
  sketch: ValueSketch,
): SampleRequest {
  const params: Record<string, unknown> = { ...given.params };
  const lacking: string[] = [];
  for (const param of config.params) {
    if (Object.hasOwn(params, param.name)) continue;
    const value = madeUp(param);
    if (value === undefined) lacking.push(`${param.name} (${String(param.schema['pattern'])})`);
    else params[param.name] = value;
  }
  if (lacking.length > 0) {
    throw new RequestMistake(`no value could be made up for ${lacking.join(', ')}: give one`);
  }
  const body = bodyOf(config, given, sketch);
  const values = new Map(Object.entries(params).map(([name, value]) => [name, textsOf(value)]));
  const request = compositeRequest(config, values, {
    body: body === undefined ? undefined : JSON.stringify(body),
    headers: { ...credentials(config), ...given.headers },
  });
  return { request, input: { params, body: body ?? null } };
}

/** Undefined where the pattern asks for more than can be made up. */
function madeUp({ name, schema }: ParamConfig): unknown {
  const value = new SchemaSample(schema).of(schema, name);
  const { pattern } = schema;
  const isRefused =
    typeof pattern === 'string' && typeof value === 'string' && !new RegExp(pattern, 'u').test(value);
  return isRefused ? undefined : value;
}

function bodyOf(
  { method, bodySchema }: CompositeConfig,
  { body }: GivenRequest,
  sketch: ValueSketch,
): unknown {
  if (body !== undefined || method === 'GET') return body;
  if (bodySchema === undefined && sketch.isBlank) return undefined;
  const known =
    typeof bodySchema === 'object' ? new SchemaSample(bodySchema).of(bodySchema, 'body') : undefined;
  return sketch.isBlank ? known : sketch.filled(known, 'body');
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
}

/** Credentials of the kind that is asked for; what they say is for the upstreams to judge, which are stubs. */
function credentials({ auth, forward, parts }: CompositeConfig): Readonly<Record<string, string>> {
  switch (auth) {
    case undefined:
      return {};
    case 'bearer':
      return { authorization: 'Bearer sample' };
    case 'basic':
      return { authorization: `Basic ${Buffer.from('sample:sample').toString('base64')}` };
    case 'cookie': {
      const names = [...forward.cookies, ...parts.flatMap((part) => part.forward?.cookies ?? [])];
      return { cookie: [...new Set(names)].map((name) => `${name}=sample`).join('; ') };
    }
  }
}
