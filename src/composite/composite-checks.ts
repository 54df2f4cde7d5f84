import { type GatewayConfig } from '../upstream/config/gateway-config.js';
import { checkBody } from './config/body-check.js';
import { type CompositeConfig, type ParamConfig } from './config/composite-config.js';
import { COMPOSITE_KEYS, ROUTE_VERBS } from './config/composite-schema.js';
import { checkBodySent, checkCredentials, checkForwarding, hasBody } from './config/forward-checks.js';
import { checkParams } from './config/param-checks.js';
import { checkPart, checkPartAlone, upstreamNames } from './config/part-checks.js';
import { type Place } from './config/place.js';
import { meantParameters } from './config/route.js';
import { reportNeverRun } from './never-run.js';
import { type ReadPart, readPart } from './part-reading.js';
import { reportCycles } from './plan-cycles.js';
import { reportCollisions } from './plan-places.js';
import { reportStitches } from './plan-stitches.js';
import { reportUnused } from './plan-unused.js';
import { type ScopeNames } from './scope-reader.js';
import { reportMisplacedWrites } from './write-order.js';

/**
 * Reads the parts of a composite, and reports everything that is wrong with it.
 *
 * Keys that do not fit each other are looked for only where every key of the group could be read: `keys` is not to blame
 * for a misspelt `batch`.
 */
export function checkComposite(
  config: CompositeConfig,
  gateway: GatewayConfig,
  file: Place,
): readonly ReadPart[] {
  const place = file.below(...config.at);
  const { report } = file;
  const isSound = areSound(ROUTE_VERBS, place);
  const deadline = areSound(['deadline'], place) ? config.deadline : undefined;
  checkParams(config, place);
  const parts = readParts(config, isSound, place);
  const isReadable = !report.has(config.at);
  const soundParts = parts.filter((part) => part.isSound);
  const sound: CompositeConfig = { ...config, parts: soundParts.map(({ config }) => config) };

  const upstreams = upstreamNames(gateway, file);
  for (const { config: part, place: at } of parts) checkPartAlone(part, upstreams, at);
  for (const { config: part, place: at } of soundParts) checkPart(part, at, deadline);
  checkBody(config, isSound, place);
  if (isSound) {
    checkForwarding(sound, place);
    reportMisplacedWrites(sound, report);
  }
  reportCycles(parts, file);
  reportNeverRun(parts);
  reportCollisions(soundParts, soundParts.length === place.below('parts').keys.length);
  reportStitches(soundParts, parts);
  // What is used nowhere may be used where something could not be read.
  if (isReadable) {
    const forwardedBy = (upstream: string): readonly string[] =>
      gateway.upstreams[upstream]?.forwardHeaders ?? [];
    reportUnused(config, parts, forwardedBy, place);
    checkCredentials(config, forwardedBy, place);
    checkBodySent(config, place);
  }
  return parts;
}

/** Whether these keys of the composite could be read, and none is there that may have meant one of them. */
function areSound(keys: readonly string[], place: Place): boolean {
  const unknown = place.keys.filter((key) => !COMPOSITE_KEYS.includes(key));
  return unknown.length === 0 && !keys.some((key) => place.report.has([...place.at, key]));
}

/** What was written as a part and refused counts as one: what refers to it is not to blame. */
function readParts(config: CompositeConfig, isSound: boolean, place: Place): readonly ReadPart[] {
  const parts = place.below('parts');
  const params = [
    ...config.params.map(({ name }) => name),
    ...place.below('params').keys,
    ...meantParameters(config.route),
  ];
  const names: ScopeNames = {
    params: [...new Set(params)],
    // Where its own place is wrong, that has been said.
    optionalParams: config.params
      .filter((param) => isSound && mayBeNull(param) && !place.report.has(param.at))
      .map(({ name }) => name),
    // A misspelt `params` or route may have meant others.
    moreParams: !isSound,
    parts: parts.keys,
    body: hasBody(config) || !isSound,
  };
  return config.parts.map((part) => readPart(part, names, parts.below(part.name)));
}

function mayBeNull({ required, schema, in: where }: ParamConfig): boolean {
  return where !== 'path' && !required && (schema['default'] ?? null) === null;
}
