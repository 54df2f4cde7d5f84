import { nearestName } from '../../upstream/config/nearest-name.js';

/** What a name was probably meant to be, or which there are. */
export function suggestion(name: string, there: readonly string[]): string {
  const nearest = nearestName(name, there);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  return there.length === 0 ? 'there is none here' : `here: ${there.join(', ')}`;
}
