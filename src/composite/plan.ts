import { type GatewayConfig } from '../upstream/config/gateway-config.js';
import { type UrlTemplate } from '../upstream/url-template.js';
import { ClientValues } from './client-values.js';
import { checkComposite } from './composite-checks.js';
import { type CompositeConfig, type ForEachConfig, type PartConfig } from './config/composite-config.js';
import { type Place } from './config/place.js';
import { type Expression } from './expression.js';
import { Forwarding } from './forwarding.js';
import { isGuard } from './guards.js';
import { type Operations } from './openapi/composite-shape.js';
import { type AnswerReader, answerReader } from './part-answer.js';
import { RequestReader } from './request-input.js';
import { type ValueTemplate } from './value-template.js';
import { withWriteOrder } from './write-order.js';

/** A composite whose references have become a graph; everything that can be worked out before a request is. */
export interface CompositePlan {
  readonly config: CompositeConfig;
  readonly reader: RequestReader;
  /** In the order of the file. */
  readonly parts: readonly PlannedPart[];
  /** What the parts call, by part, where an OpenAPI document says so. */
  readonly operations?: Operations | undefined;
}

export interface PlannedPart {
  readonly config: PartConfig;
  /** The parts it waits for: those it refers to, those written under `needs`, and what must come before a write. */
  readonly needs: readonly string[];
  /** The same where every part counts as required. */
  readonly needsIfStrict: readonly string[];
  /** Whether it runs whatever of the response is asked for, and holds back what comes part by part until it has ended. */
  readonly isGuard: boolean;
  readonly template: UrlTemplate;
  /** By variable of the template. */
  readonly values: ReadonlyMap<string, ValueTemplate>;
  readonly headers: ReadonlyMap<string, ValueTemplate>;
  readonly body: ValueTemplate | undefined;
  readonly idempotencyKey: ValueTemplate | undefined;
  readonly clientValues: ClientValues;
  readonly when: Expression | undefined;
  readonly select: Expression | undefined;
  readonly forwarding: Forwarding | undefined;
  /** What it makes of an answer. */
  readonly read: AnswerReader;
  readonly join: PlannedJoin | undefined;
}

/** What a list join evaluates besides what it sends. */
export interface PlannedJoin {
  readonly config: ForEachConfig;
  /** Over the scope. */
  readonly items: Expression;
  /** Over an item; undefined where the items are the keys. */
  readonly key: Expression | undefined;
  /** Over an element of a batch's answer; undefined without batches. */
  readonly batchKey: Expression | undefined;
}

/**
 * The plan of a composite; undefined if what is wrong with it (now in the report) leaves none.
 *
 * @param file the whole file, as it was written.
 */
export function planComposite(
  config: CompositeConfig,
  gateway: GatewayConfig,
  file: Place,
): CompositePlan | undefined {
  const parts = checkComposite(config, gateway, file);
  if (file.report.has(config.at)) return undefined;
  const forwardedBy = (upstream: string): readonly string[] =>
    gateway.upstreams[upstream]?.forwardHeaders ?? [];
  const compiled = parts.flatMap((part) => {
    const { compiled, scope } = part;
    const needs = [...new Set(scope.references.map(({ part }) => part))];
    if (compiled === undefined) return [];
    const { forward = config.forward, method } = compiled.config;
    const read = answerReader(compiled.config, compiled.select);
    const forwarding = Forwarding.of(forward, method);
    const clientValues = new ClientValues(compiled, config.params);
    return [
      { ...compiled, needs, isGuard: isGuard(part, config, forwardedBy), forwarding, read, clientValues },
    ];
  });
  return { config, reader: new RequestReader(config), parts: withWriteOrder(compiled) };
}
