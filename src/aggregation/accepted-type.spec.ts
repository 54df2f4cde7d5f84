import { acceptedType } from './accepted-type.js';

const JSON_TYPE = 'application/json';
const HEALTH = 'application/health+json';

describe('the type a client likes best', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['application/health+json', HEALTH],
    ['Application/Health+JSON', HEALTH],
    ['application/json, application/health+json', JSON_TYPE],
    ['application/json;q=0.5, application/health+json', HEALTH],
    ['application/health+json;q=0.5, */*', JSON_TYPE],
    ['application/health+json, */*;q=0.1', HEALTH],
    ['application/health+json;q=0.5, application/json;q=0.4', HEALTH],
    ['application/json;q=0, */*', HEALTH],
    ['text/html, application/xhtml+xml, */*;q=0.8', JSON_TYPE],
    ['application/health+json; charset=utf-8', HEALTH],
    ['application/health+json;q=high, application/json;q=0.1', JSON_TYPE],
    ['text/html', undefined],
    ['*/*;q=0', undefined],
    ['', undefined],
    [',;,=', undefined],
  ])('of Accept: %s is %s', (accept, type) => {
    expect(acceptedType(accept, [JSON_TYPE, HEALTH])).toBe(type);
  });
});
