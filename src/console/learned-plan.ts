import { type PartOutline } from '../aggregation/part-outline.js';
import { type PlanPart } from './console-state.js';

/** The first so many runs are all looked at, and then one in as many. */
const SAMPLE = 16;

/** A composite that makes up names of parts as it goes must not fill the memory. */
const MAX_PARTS = 200;

interface LearnedPart {
  required: boolean;
  readonly needs: Set<string>;
  readonly upstreams: Set<string>;
}

/**
 * The plan of a composite that is written in code, as far as its runs have shown it: a part that was never declared is not
 * there, and one that was never asked for calls nothing.
 */
export class LearnedPlan {
  private readonly known = new Map<string, LearnedPart>();
  private runs = 0;

  /** @param parts how many this run had. */
  learn(parts: number, outline: () => readonly PartOutline[]): void {
    const isSampled = this.runs < SAMPLE || this.runs % SAMPLE === 0;
    this.runs++;
    const isNew = parts > this.known.size && this.known.size < MAX_PARTS;
    if (isSampled || isNew) for (const part of outline()) this.merge(part);
  }

  get parts(): readonly PlanPart[] {
    return [...this.known].map(([part, { required, needs, upstreams }]) => ({
      part,
      required,
      needs: [...needs],
      upstreams: [...upstreams],
    }));
  }

  private merge({ part, required, needs, upstreams }: PartOutline): void {
    let learned = this.known.get(part);
    if (learned === undefined) {
      if (this.known.size >= MAX_PARTS) return;
      learned = { required, needs: new Set(), upstreams: new Set() };
      this.known.set(part, learned);
    }
    learned.required = required;
    for (const need of needs) learned.needs.add(need);
    for (const upstream of upstreams) learned.upstreams.add(upstream);
  }
}
