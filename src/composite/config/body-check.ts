import { type CompositeConfig } from './composite-config.js';
import { hasBody } from './forward-checks.js';
import { checkJsonSchema } from './json-schema-check.js';
import { type Place } from './place.js';

/** Statuses whose responses have no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Reports what the composite says of the request's body and the response's, where it cannot have one.
 *
 * @param isSound whether its verb is known.
 */
export function checkBody(composite: CompositeConfig, isSound: boolean, place: Place): void {
  const { bodySchema, status, partialStatus } = composite;
  if (bodySchema !== undefined) {
    const at = place.below('bodySchema');
    if (hasBody(composite) || !isSound) checkJsonSchema(bodySchema, at, true);
    else at.unexpectedKey('it on a GET', 'none: a GET has no body');
  }
  for (const [key, value] of Object.entries({ status, partialStatus })) {
    if (value !== undefined && WITHOUT_BODY.has(value)) {
      place.below(key).unexpected('a status whose response has a body, such as 200');
    }
  }
}
