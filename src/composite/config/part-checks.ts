import { type GatewayConfig } from '../../upstream/config/gateway-config.js';
import { type PartConfig } from './composite-config.js';
import { hasBody } from './forward-checks.js';
import { checkJsonSchema } from './json-schema-check.js';
import { type Place } from './place.js';
import { checkShape } from './shape-checks.js';
import { suggestion } from './suggestion.js';

/** Reports keys of a part that are wrong whatever else it says. */
export function checkPartAlone(part: PartConfig, upstreams: readonly string[], place: Place): void {
  checkUpstream(part, upstreams, place);
  if (part.schema !== undefined) checkJsonSchema(part.schema, place.below('schema'));
}

/**
 * Reports keys of a part that do not fit each other.
 *
 * @param deadline of its composite; undefined where that could not be read.
 */
export function checkPart(part: PartConfig, place: Place, deadline: number | undefined): void {
  checkSent(part, place);
  if (deadline !== undefined) checkTimes(part, deadline, place);
  checkShape(part, place);
  if (part.forEach !== undefined) checkJoin(part, place.below('forEach'));
  if (part.required && place.has('fallback') && part.when === undefined) {
    place
      .below('fallback')
      .unexpectedKey('it on a part that is required', 'one of the two: its failure ends the composite');
  }
}

/** The upstreams of a file, by name: also those with mistakes of their own. */
export function upstreamNames({ upstreams }: GatewayConfig, file: Place): readonly string[] {
  return [...new Set([...Object.keys(upstreams), ...file.below('upstreams').keys])];
}

function checkUpstream({ upstream }: PartConfig, upstreams: readonly string[], place: Place): void {
  if (upstream === '' || upstreams.includes(upstream)) return;
  place.below('upstream').unexpected(`the name of an upstream; ${suggestion(upstream, upstreams)}`);
}

function checkSent(part: PartConfig, place: Place): void {
  const { method, idempotencyKey } = part;
  if (idempotencyKey === undefined) return;
  const at = place.below('idempotencyKey');
  if (!hasBody(part)) {
    at.unexpectedKey(`it on a ${method}`, `none: a ${method} is safe to repeat as it is`);
  } else if (typeof idempotencyKey === 'object') {
    at.unexpected('one value: JMESPath, such as params.key');
  }
  for (const key of place.below('headers').keys.filter((key) => key.toLowerCase() === 'idempotency-key')) {
    place.below('headers', key).unexpectedKey('it next to idempotencyKey', 'one of the two');
  }
}

function checkTimes({ within, at }: PartConfig, deadline: number, place: Place): void {
  if (within === undefined || within < deadline) return;
  const written = place.report.source.written([...at.slice(0, -2), 'deadline']);
  const shown = written === 'nothing' ? '3s by default' : /^\d+$/.test(written) ? `${written} ms` : written;
  place.below('within').unexpected(`less than the deadline of the composite, which is ${shown}`);
}

function checkJoin({ forEach }: PartConfig, place: Place): void {
  if (forEach === undefined) return;
  if (place.has('stitch') && place.has('collect')) {
    place.below('collect').unexpectedKey('it next to stitch', 'one of the two');
  }
}
