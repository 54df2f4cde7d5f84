import { type Answer, type Question, type Topic, type Topics, type Usage } from './topics.js';

/** How a process answers the topics it knows. */
export type Answers = {
  readonly [T in Topic]?: (order: Topics[T]['order']) => Topics[T]['answer'] | Promise<Topics[T]['answer']>;
};

/**
 * The child's side: says where it listens, answers questions, and ends when its parent says so or has ended itself,
 * however that came about. Every process can tell what it uses.
 */
export function attend(ports: readonly number[], answers: Answers = {}, end: () => void = exit): void {
  const known: Answers = { usage: ownUsage, ...answers };
  process.on('message', (question: Question) => void reply(known, question));
  process.once('SIGTERM', end).once('disconnect', end);
  process.send?.({ listening: ports });
}

/** The child's side, where it cannot do its work here: says why, and ends. */
export function decline(reason: string): void {
  process.send?.({ unavailable: reason }, () => process.exit(0));
}

async function reply<T extends Topic>(answers: Answers, { ask, order }: Question<T>): Promise<void> {
  const answer: (typeof answers)[T] = answers[ask];
  let message: Answer<T>;
  try {
    message = answer ? { answer: await answer(order) } : { failed: `knows nothing of ${ask}` };
  } catch (error) {
    message = { failed: String(error) };
  }
  process.send?.(message);
}

/** By itself rather than by a signal: only then does Node write a profile it was asked for. */
function exit(): void {
  process.exit(0);
}

function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}
