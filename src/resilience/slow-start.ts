export interface SlowStartPolicy {
  /** How long a host that is new, or has come back, gets less than its share, in ms; 0 for not at all. */
  readonly windowMs: number;
  /** How fast its share grows: 1 in a straight line, above 1 fast at first. */
  readonly aggression: number;
  /** The share it begins with. */
  readonly minWeightPercent: number;
}

/**
 * The part of its fair share that a host gets `sinceMs` after its start, from 0 to 1: Envoy's
 * `max(minimum, (time / window) ^ (1 / aggression))` (common.proto, SlowStartConfig).
 */
export function slowStartWeight(
  { windowMs, aggression, minWeightPercent }: SlowStartPolicy,
  sinceMs: number,
): number {
  if (sinceMs >= windowMs) return 1;
  return Math.max(minWeightPercent / 100, (sinceMs / windowMs) ** (1 / aggression));
}
