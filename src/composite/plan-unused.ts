import { type CompositeConfig, type ForwardConfig, type ParamConfig } from './config/composite-config.js';
import { type Place } from './config/place.js';
import { type ReadPart } from './part-reading.js';
import { isWrite } from './write-order.js';

/** Reports parameters, hidden parts and join values that nothing uses. Means something only once all can be read. */
export function reportUnused(
  composite: CompositeConfig,
  parts: readonly ReadPart[],
  forwardedBy: (upstream: string) => readonly string[],
  place: Place,
): void {
  reportUnusedParams(composite, parts, forwardedBy, place);
  for (const part of parts) {
    reportUnusedHidden(part, parts);
    reportUnusedKeys(part);
  }
}

function reportUnusedParams(
  { params, forward, parts: configs }: CompositeConfig,
  parts: readonly ReadPart[],
  forwardedBy: (upstream: string) => readonly string[],
  place: Place,
): void {
  if (parts.some(({ scope }) => scope.allParams)) return;
  const used = new Set(parts.flatMap(({ scope }) => [...scope.params]));
  const forwards = configs.map((config) => config.forward ?? forward);
  const headers = configs.flatMap(({ upstream }) => forwardedBy(upstream));
  for (const param of params) {
    const isDeclared = place.below('params').has(param.name);
    const isForwarded = forwards.some((names) => forwarded(param, names)) || headers.includes(param.alias);
    if (!isDeclared || used.has(param.name) || isForwarded) continue;
    place
      .below('params', param.name)
      .unexpectedKey(
        'a parameter that nothing uses',
        `params.${param.name} in an expression, {${param.name}} in a URL, or its name under forward`,
      );
  }
}

function forwarded({ in: where, alias }: ParamConfig, { headers, query, cookies }: ForwardConfig): boolean {
  if (where === 'header') return headers.includes(alias);
  return (where === 'query' ? query : where === 'cookie' ? cookies : []).includes(alias);
}

/** A hidden part may still be there to write, or to end the composite where it fails. */
function reportUnusedHidden({ config, place }: ReadPart, parts: readonly ReadPart[]): void {
  if (!config.hidden || config.required || isWrite(config)) return;
  const isUsed = parts.some(({ scope }) => scope.references.some(({ part }) => part === config.name));
  if (isUsed) return;
  place
    .below('hidden')
    .unexpectedKey(
      'it on a part that no other one refers to',
      'a part that uses it, or required: true if it is there to fail',
    );
}

function reportUnusedKeys({ config, scope, place }: ReadPart): void {
  const { forEach } = config;
  if (forEach === undefined || scope.joinNames.size > 0) return;
  if (forEach.batch === undefined) {
    place
      .below('forEach')
      .unexpectedKey(
        'a call for each item that is the same for all',
        'key or item in its URL, values, headers or body',
      );
  } else {
    place
      .below('forEach', 'batch')
      .unexpectedKey(
        'a batch that sends no keys',
        'keys in its URL, values, headers or body, such as values: { ids: keys }',
      );
  }
}
