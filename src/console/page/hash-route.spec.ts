import fc from 'fast-check';
import { formatHash, parseHash, type Route } from './hash-route.js';

const START: Route = { composite: null, requests: 'recent', order: 'configured', filter: '', feed: null };

describe('the route in the address', () => {
  it('is short where everything is as it is by default', () => {
    expect(formatHash(START)).toBe('#/');
    expect(parseHash('')).toEqual(START);
  });

  it('names a composite, slashes and all', () => {
    const hash = formatHash({ ...START, composite: 'GET /customers/{id}/overview', requests: 'notable' });

    expect(hash).toBe('#/composites/GET%20%2Fcustomers%2F%7Bid%7D%2Foverview?requests=notable');
    expect(parseHash(hash)).toMatchObject({ composite: 'GET /customers/{id}/overview', requests: 'notable' });
  });

  it('takes what it cannot read as if it were not there', () => {
    expect(parseHash('#/composites/%E0%A4%A?order=sideways&requests=all')).toEqual(START);
    expect(parseHash('#nowhere')).toEqual(START);
  });

  it('reads whatever it has written', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const routes = fc.record<Route>({
      composite: fc.option(text),
      requests: fc.constant('recent'),
      order: fc.constantFrom('configured', 'worst'),
      filter: fc.string(),
      feed: fc.option(text),
    });
    fc.assert(
      fc.property(routes, (route) => {
        expect(parseHash(formatHash(route))).toEqual(route);
      }),
    );
  });
});
