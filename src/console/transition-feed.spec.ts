import { KEPT_TRANSITIONS, type NewTransition, TransitionFeed } from './transition-feed.js';

function told(text: string): NewTransition {
  return { severity: 'info', kind: 'configuration', upstream: null, text };
}

describe('the feed of transitions', () => {
  it('tells as it happens, with an id that counts on and the moment', () => {
    let now = 1_000;
    const feed = new TransitionFeed(() => now);
    const heard: unknown[] = [];
    feed.transitions.subscribe((transition) => heard.push(transition));
    feed.add(told('a'));
    now = 2_000;
    feed.add(told('b'));
    expect(heard).toEqual([
      { id: 1_001, at: 1_000, ...told('a') },
      { id: 1_002, at: 2_000, ...told('b') },
    ]);
  });

  it('keeps the last ones, and none that was seen is given again', () => {
    const feed = new TransitionFeed(() => 0);
    for (let count = 1; count <= KEPT_TRANSITIONS + 5; count++) feed.add(told(`${count}`));
    expect(feed.after(0)).toHaveLength(KEPT_TRANSITIONS);
    expect(feed.after(0)[0]).toMatchObject({ id: 6, text: '6' });
    expect(feed.after(KEPT_TRANSITIONS + 3).map(({ text }) => text)).toEqual(['204', '205']);
    expect(feed.after(KEPT_TRANSITIONS + 5)).toEqual([]);
  });

  it('gives everything to whoever has seen another gateway, an earlier one or one whose clock was ahead', () => {
    const feed = new TransitionFeed(() => 5_000);
    feed.add(told('a'));
    expect(feed.after(4_000)).toHaveLength(1);
    expect(feed.after(9_000)).toHaveLength(1);
  });
});
