import { situationOf } from './situation.js';
import { consoleState, upstreamState } from './testing/console-state.js';

const sentenceOf = (...upstreams: Parameters<typeof upstreamState>[]): string =>
  situationOf(consoleState(upstreams.map(([name, differently]) => upstreamState(name, differently))))
    .sentence;

describe('the situation', () => {
  it('is a sentence that names what hurts, the worst first', () => {
    expect(sentenceOf(['orders'], ['reviews'])).toBe('All 2 upstreams are up');
    expect(sentenceOf(['offers', { status: 'degraded' }], ['reviews', { status: 'down' }], ['orders'])).toBe(
      'reviews is down, offers is degraded',
    );
    expect(sentenceOf(['a', { status: 'down' }], ['b', { status: 'down' }])).toBe('a and b are down');
  });

  it('counts those that are too many to name', () => {
    const four = ['a', 'b', 'c', 'd'].map((name) => upstreamState(name, { status: 'down' }));

    expect(situationOf(consoleState(four)).sentence).toBe('4 upstreams are down');
  });

  it('says that nothing is known yet rather than that all is well', () => {
    expect(sentenceOf(['a', { status: 'unknown' }])).toBe('Nothing is known of the upstreams yet');
    expect(sentenceOf(['a', { status: 'unknown' }], ['b'])).toBe('a is unknown, all others are up');
    expect(sentenceOf()).toBe('No upstream is configured');
  });

  it('says that the gateway is not ready although its upstreams are up', () => {
    const state = consoleState([upstreamState('orders')]);

    expect(situationOf({ ...state, gateway: { ...state.gateway, ready: false } })).toMatchObject({
      status: 'degraded',
      sentence: 'The gateway is not ready',
    });
  });

  it('names the composites that feel it, each once', () => {
    const composites = ['overview', 'page'];
    const { feltBy } = situationOf(
      consoleState([
        upstreamState('reviews', { status: 'down', composites }),
        upstreamState('offers', { status: 'degraded', composites: ['page'] }),
        upstreamState('orders', { composites: ['details'] }),
      ]),
    );

    expect(feltBy).toEqual(['overview', 'page']);
  });

  it('weighs completeness by requests', () => {
    const { answers } = situationOf(
      consoleState(
        [],
        [
          { requests: 90, completePercent: 100 },
          { requests: 10, completePercent: 0 },
          { requests: 0, completePercent: null },
        ],
      ),
    );

    expect(answers).toEqual({ requests: 100, completePercent: 90 });
  });
});
