import { VirtualClock } from '../resilience/virtual-clock.js';
import { RecentAnswers } from './recent-answers.js';

function asked() {
  const clock = new VirtualClock();
  const answers = new RecentAnswers<string>(clock);
  const made: string[] = [];
  const ask = (question: string, ...state: readonly unknown[]): string =>
    answers.to(question, state, () => {
      made.push(question);
      return `${question} ${made.length}`;
    });
  return { clock, made, ask };
}

describe('recent answers', () => {
  it('are used again for a second', () => {
    const { clock, ask } = asked();
    expect(ask('health')).toBe('health 1');
    clock.advance(999);
    expect(ask('health')).toBe('health 1');
    clock.advance(1);
    expect(ask('health')).toBe('health 2');
  });

  it('are one for each question, and never older than the first', () => {
    const { clock, ask } = asked();
    ask('health');
    clock.advance(900);
    expect(ask('ready')).toBe('ready 2');
    clock.advance(100);
    expect(ask('ready')).toBe('ready 3');
  });

  it('are made anew when anything has changed', () => {
    const { ask, made } = asked();
    const configuration = { generation: 1 };
    ask('health', 1, configuration);
    ask('health', 1, configuration);
    expect(made).toHaveLength(1);
    ask('health', 2, configuration);
    ask('health', 2, { ...configuration });
    expect(made).toHaveLength(3);
  });

  it('are not kept where none could be given', () => {
    const answers = new RecentAnswers<string>(new VirtualClock());
    const fail = (): string => {
      throw new Error('no');
    };
    expect(() => answers.to('health', [], fail)).toThrow('no');
    expect(answers.to('health', [], () => 'yes')).toBe('yes');
  });
});
