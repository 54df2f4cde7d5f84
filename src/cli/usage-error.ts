import { nearestName } from '../upstream/config/nearest-name.js';

/** The command line was not as it must be; the message says how it is meant. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** `unknown <what> '<name>'; did you mean <nearest>?`, or which there are. */
export function unknownName(what: string, name: string, known: readonly string[], sign = ''): UsageError {
  const nearest = nearestName(name, known);
  const there =
    known.length === 0 ? 'there is none' : `there is ${known.map((each) => sign + each).join(', ')}`;
  const hint = nearest === undefined ? there : `did you mean ${sign}${nearest}?`;
  return new UsageError(`unknown ${what} ${sign}${name}; ${hint}`);
}
