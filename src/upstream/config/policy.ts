import { checkedInput } from './checked-input.js';
import { ConfigurationError } from './configuration-error.js';
import { ConfigurationReport } from './configuration-report.js';
import { CodeSource, type Path, valueAt } from './configuration-source.js';
import { deepFrozen } from './deep-frozen.js';
import { POLICY_RULES, type PolicyKey, type PolicyRule } from './policy-contradictions.js';
import { withDefaults } from './policy-defaults.js';
import {
  policySchema,
  type UpstreamPolicy,
  type UpstreamPolicyInput,
  type WrittenPolicy,
} from './policy-schema.js';

/**
 * Lays policies over the defaults, later ones winning key by key, and checks the result.
 *
 * @throws ConfigurationError with every unknown key, unfit value and contradiction.
 */
export function resolvePolicy(...inputs: readonly UpstreamPolicyInput[]): UpstreamPolicy {
  return resolvePolicyAt('', ...inputs);
}

/**
 * As resolvePolicy, for policies written at a place in code that its errors shall name, such as
 * `UpstreamModule.register({ name: 'orders' }).policy`.
 */
export function resolvePolicyAt(where: string, ...inputs: readonly UpstreamPolicyInput[]): UpstreamPolicy {
  const layers = inputs.map((input): PolicyLayer => {
    const report = new ConfigurationReport(new CodeSource(where, input));
    const written = checkedInput(policySchema, input, report) ?? {};
    return { given: input, written, report, at: [], origin: 'inherited' };
  });
  const { policy } = settlePolicy(layers);
  const problems = layers.flatMap(({ report }) => report.problems);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return deepFrozen(policy);
}

/** A policy written in one place. */
export interface PolicyLayer {
  /** As it stands there. */
  readonly given: unknown;
  /** What of it is valid. */
  readonly written: WrittenPolicy;
  readonly report: ConfigurationReport;
  /** Where the policy stands in the report's source. */
  readonly at: Path;
  /** How errors call the place when they speak of another one: "from defaults". */
  readonly origin: string;
}

export interface SettledPolicy {
  readonly policy: UpstreamPolicy;
  /** All layers in one, without the defaults; durations in ms, sizes in bytes. */
  readonly written: WrittenPolicy;
  /** The rules it breaks. */
  readonly broken: ReadonlySet<PolicyRule>;
}

/**
 * Lays the layers over each other and over the defaults, and reports contradictions to the last one, since it is the
 * one being settled. `known` are rules that the layers below it break by themselves and that were reported there.
 */
export function settlePolicy(
  layers: readonly PolicyLayer[],
  known: ReadonlySet<PolicyRule> = new Set(),
): SettledPolicy {
  const written = merged(layers.map((layer) => layer.written)) as WrittenPolicy;
  const policy = withDefaults(written);
  const broken = new Set(
    POLICY_RULES.filter(
      ({ key, other, holds }) => !holds(numberAt(policy, key), numberAt(policy, other)),
    ).filter(({ key, other }) => !wasRefused(layers, key) && !wasRefused(layers, other)),
  );
  const last = layers.at(-1);
  for (const rule of broken) {
    const layer = lastWith(layers, rule.key);
    const otherLayer = lastWith(layers, rule.other);
    if (known.has(rule) && layer !== last && otherLayer !== last) continue;
    const otherIsLater =
      otherLayer !== undefined && (!layer || layers.indexOf(otherLayer) > layers.indexOf(layer));
    const [key, must, other] = otherIsLater
      ? [rule.other, rule.otherMust, rule.key]
      : [rule.key, rule.must, rule.other];
    const expected = `${must} ${other}, which is ${described(other, policy, layers)}: ${rule.because}`;
    last?.report.unexpected([...last.at, ...pathTo(key)], expected, described(key, policy, layers));
  }
  return { policy, written, broken };
}

/** The value as written, and where, unless that is the last layer. */
function described(key: PolicyKey, policy: UpstreamPolicy, layers: readonly PolicyLayer[]): string {
  const layer = lastWith(layers, key);
  if (!layer) return `${numberAt(policy, key)} (the default)`;
  const text = layer.report.source.written([...layer.at, ...pathTo(key)]);
  return layer === layers.at(-1) ? text : `${text} (${layer.origin})`;
}

function lastWith(layers: readonly PolicyLayer[], key: PolicyKey): PolicyLayer | undefined {
  return layers.findLast(({ written }) => valueAt(written, pathTo(key)) !== undefined);
}

/** Whether a value was given that is not valid: what it was meant to be is unknown, so it contradicts nothing. */
function wasRefused(layers: readonly PolicyLayer[], key: PolicyKey): boolean {
  const path = pathTo(key);
  return layers.some(
    ({ given, written }) => valueAt(given, path) !== undefined && valueAt(written, path) === undefined,
  );
}

function numberAt(policy: UpstreamPolicy, key: PolicyKey): number {
  return Number(valueAt(policy, pathTo(key)));
}

function pathTo(key: PolicyKey): Path {
  return key.split('.');
}

/** Groups are merged key by key; undefined does not overwrite. */
function merged(groups: readonly object[]): object {
  const result: Record<string, unknown> = {};
  for (const [key, value] of groups.flatMap((group): [string, unknown][] => Object.entries(group))) {
    if (value === undefined) continue;
    const before = result[key];
    result[key] = isGroup(value) ? merged([isGroup(before) ? before : {}, value]) : value;
  }
  return result;
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
