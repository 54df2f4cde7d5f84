import { type CompositeInput } from './composite-input.js';
import { type JsonObject } from './json-object.js';
import { type GrowingDocument } from './response-document.js';
import { type Stitching } from './stitch.js';

/** The response of one run as it grows, part by part, in whatever order they land. */
export class GrowingResponse {
  private readonly scope: Record<string, unknown>;

  /** @param input what the request gives to the composite. */
  constructor(
    private readonly document: GrowingDocument,
    private readonly stitching: Stitching | undefined,
    input: CompositeInput,
  ) {
    this.scope = { ...input };
  }

  /**
   * Takes the value of a part.
   *
   * @returns the keys of the response's root that it has changed, as they are now; none for a part that the response does
   * not show. Assigned to one object in the order of the calls, they end up as the whole response.
   */
  land(part: string, value: unknown): JsonObject {
    const { document, stitching, scope } = this;
    if (stitching === undefined) return document.land(part, value);
    scope[part] = value;
    const host = stitching.shownIn(part);
    return Object.hasOwn(scope, host) ? document.land(host, stitching.value(host, scope)) : {};
  }
}
