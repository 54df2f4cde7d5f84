import { type Transition } from '../console-state.js';

/** How many are kept. */
export const KEPT_TRANSITIONS = 500;

/**
 * Takes one more transition into a list that holds the latest first. After a reconnection the past is told again, and a
 * gateway that was restarted counts from 1 again: a transition is known by its id and its time together.
 */
export function withTransition(log: readonly Transition[], transition: Transition): readonly Transition[] {
  if (log.some(({ id, at }) => id === transition.id && at === transition.at)) return log;
  const before = log.findIndex((known) => isBefore(known, transition));
  const index = before === -1 ? log.length : before;
  return log.toSpliced(index, 0, transition).slice(0, KEPT_TRANSITIONS);
}

/** What a reader who has scrolled away is shown: what came since then waits until they return. */
export function heldBack(
  log: readonly Transition[],
  newestSeen: Transition | undefined,
): { readonly shown: readonly Transition[]; readonly waiting: number } {
  if (newestSeen === undefined) return { shown: log, waiting: 0 };
  const shown = log.filter((transition) => transition === newestSeen || isBefore(transition, newestSeen));
  return { shown, waiting: log.length - shown.length };
}

function isBefore(one: Transition, other: Transition): boolean {
  return one.at === other.at ? one.id < other.id : one.at < other.at;
}
