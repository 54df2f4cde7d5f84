import fc from 'fast-check';
import { type Transition } from '../console-state.js';
import { heldBack, KEPT_TRANSITIONS, withTransition } from './transition-log.js';

const transition = (id: number, at: number): Transition => ({
  id,
  at,
  severity: 'info',
  kind: 'breaker',
  upstream: 'reviews',
  text: `the ${id}th at ${at}`,
});

const logOf = (...all: Transition[]): readonly Transition[] =>
  all.reduce<readonly Transition[]>((log, one) => withTransition(log, one), []);

describe('the log of transitions', () => {
  it('holds the latest first, whatever the order in which they come', () => {
    const sorted = logOf(transition(3, 30), transition(2, 20), transition(1, 10));

    fc.assert(
      fc.property(fc.shuffledSubarray([...sorted], { minLength: 3 }), (shuffled) => {
        expect(logOf(...shuffled)).toEqual(sorted);
      }),
    );
  });

  it('takes the past only once, when a reconnection tells it again', () => {
    const log = logOf(transition(1, 10), transition(2, 20));

    expect(withTransition(log, transition(1, 10))).toBe(log);
  });

  it('keeps what a gateway said before it was restarted and counted from 1 again', () => {
    expect(logOf(transition(1, 10), transition(1, 50)).map(({ at }) => at)).toEqual([50, 10]);
  });

  it('forgets the oldest', () => {
    const log = logOf(...Array.from({ length: KEPT_TRANSITIONS + 5 }, (_, n) => transition(n, n)));

    expect(log).toHaveLength(KEPT_TRANSITIONS);
    expect(log.at(-1)?.id).toBe(5);
  });

  it('stands still for whoever reads further down, and says how much is waiting', () => {
    const [third, second, first] = logOf(transition(1, 10), transition(2, 20), transition(3, 30));

    expect(heldBack([third!, second!, first!], second)).toEqual({ shown: [second, first], waiting: 1 });
    expect(heldBack([third!, second!, first!], undefined).waiting).toBe(0);
  });
});
