import { type Clock, systemClock } from '../resilience/clock.js';

/** How old an answer may be, in ms. */
const MOST_MS = 1_000;

/**
 * Answers about health as they were made last, for one may ask as often as one likes. An answer is used again for a
 * second, unless something has changed by then that whoever asks wants to know at once.
 *
 * The report of six upstreams takes 0.4 to 1 ms to make; for 200 questions a second that would be 8 % of a core or more.
 */
export class RecentAnswers<A> {
  private readonly answers = new Map<string, A>();
  private madeAt = -Infinity;
  private state: readonly unknown[] = [];

  constructor(private readonly clock: Clock = systemClock) {}

  /**
   * @param question what was asked; there are only so many.
   * @param state what must be the same for an answer to be used again.
   */
  to(question: string, state: readonly unknown[], make: () => A): A {
    const now = this.clock.now();
    if (now - this.madeAt >= MOST_MS || state.some((value, index) => value !== this.state[index])) {
      this.answers.clear();
      this.madeAt = now;
      this.state = state;
    }
    const known = this.answers.get(question);
    if (known !== undefined) return known;
    const answer = make();
    this.answers.set(question, answer);
    return answer;
  }
}
