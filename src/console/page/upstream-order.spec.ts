import { upstreamState } from './testing/console-state.js';
import { inOrder } from './upstream-order.js';

const closed = upstreamState('closed').breaker;
const UPSTREAMS = [
  upstreamState('customers'),
  upstreamState('Orders', { breaker: { ...closed, state: 'half-open' } }),
  upstreamState('stock', { status: 'unknown' }),
  upstreamState('offers', { status: 'down' }),
  upstreamState('reviews', { status: 'degraded' }),
  upstreamState('catalog', { status: 'down', critical: true }),
];
const names = (...[order, filter]: ['configured' | 'worst', string]): string[] =>
  inOrder(UPSTREAMS, order, filter).map(({ name }) => name);

describe('the order of upstreams', () => {
  it('is that of the configuration', () => {
    expect(names('configured', '')).toEqual(UPSTREAMS.map(({ name }) => name));
  });

  it('is the worst first: by status, then critical ones, then those whose breaker is not closed', () => {
    expect(names('worst', '')).toEqual(['catalog', 'offers', 'reviews', 'stock', 'Orders', 'customers']);
  });

  it('leaves out those whose name does not contain what is looked for, whatever the case', () => {
    expect(names('configured', ' o')).toEqual(['customers', 'Orders', 'stock', 'offers', 'catalog']);
    expect(names('configured', 'ORD')).toEqual(['Orders']);
  });
});
