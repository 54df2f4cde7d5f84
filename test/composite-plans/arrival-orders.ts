/** A choice among so many waiting calls. */
interface Choice {
  readonly among: number;
  taken: number;
}

/**
 * Every order in which the calls of a run can be answered, each of them once. A call can only be answered while it waits,
 * so the orders are found as the runs go: one run for each, which asks at every step what is answered next.
 */
export class ArrivalOrders {
  private readonly choices: Choice[] = [];
  private step = 0;

  /** Which of the waiting calls is answered next; undefined where none waits. */
  next(waiting: readonly string[]): string | undefined {
    if (waiting.length === 0) return undefined;
    const choice = (this.choices[this.step++] ??= { among: waiting.length, taken: 0 });
    // A run that has come here the same way before has the same calls waiting.
    if (choice.among !== waiting.length)
      throw new Error(`${choice.among} calls were waiting, and now ${waiting.length}`);
    return waiting[choice.taken];
  }

  /** Goes on to the next order, for a run from the beginning; false where all have been taken. */
  advance(): boolean {
    this.step = 0;
    for (let last = this.choices.at(-1); last !== undefined; last = this.choices.at(-1)) {
      last.taken += 1;
      if (last.taken < last.among) return true;
      this.choices.pop();
    }
    return false;
  }
}
