/** What a run of a composite has shown of one of its parts: a plan learned from what happened. */
export interface PartOutline {
  readonly part: string;
  readonly required: boolean;
  /** The parts whose values it waited for, in the order they were declared. */
  readonly needs: readonly string[];
  /** The upstreams that were called for it, in the order of their first calls. */
  readonly upstreams: readonly string[];
}
