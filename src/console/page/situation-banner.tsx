import { type VNode } from 'preact';
import { type ConsoleState, type Transition } from '../console-state.js';
import { BreakerLine } from './breaker-line.js';
import { CompositeLinks } from './composite-links.js';
import { humaneCount, humanePercent } from './humane-numbers.js';
import { humaneSpan } from './humane-times.js';
import { situationOf } from './situation.js';
import { StatusMark } from './status-mark.js';

/** How many of those that hurt are told of, before they are only counted. */
const TOLD = 4;

/** What an operator came for, in a sentence; beneath it a line for each upstream that hurts. */
export function SituationBanner({
  state,
  transitions,
  onShow,
}: {
  readonly state: ConsoleState;
  /** The latest first: they know since when. */
  readonly transitions: readonly Transition[];
  readonly onShow: (upstream: string) => void;
}): VNode {
  const { status, sentence, hurting, feltBy, answers } = situationOf(state);
  return (
    <section class="situation" data-status={status} aria-label="Situation">
      <p class="situation-sentence">
        <StatusMark status={status} />
        <strong>{sentence}</strong>
      </p>
      <p class="answers">
        {answers.requests === 0
          ? 'No composite was asked for in the last minute.'
          : `${humanePercent(answers.completePercent)} of ${humaneCount(answers.requests)} answers were complete in the last minute.`}
      </p>
      {hurting.length === 0 ? null : (
        <ul class="hurting">
          {hurting.slice(0, TOLD).map(({ name, status: is, reason, breaker }) => (
            <li key={name}>
              <button
                type="button"
                class="link"
                onClick={() => {
                  onShow(name);
                }}
              >
                {name}
              </button>{' '}
              {is}
              {sinceWords(name, state.at, transitions)}
              {reason === null || isOfBreaker(reason) ? '' : `: ${reason}`}; breaker{' '}
              <BreakerLine breaker={breaker} at={state.at} />
            </li>
          ))}
          {hurting.length > TOLD ? <li class="quiet">and {hurting.length - TOLD} more</li> : null}
          {feltBy.length === 0 ? null : (
            <li>
              felt by <CompositeLinks names={feltBy} />
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

function sinceWords(upstream: string, at: number, transitions: readonly Transition[]): string {
  const last = transitions.find((one) => one.upstream === upstream && one.kind === 'health');
  return last === undefined ? '' : ` for ${humaneSpan(at - last.at)}`;
}

/** What the breaker does is said anyway. */
function isOfBreaker(reason: string): boolean {
  return reason.startsWith('the breaker ');
}
