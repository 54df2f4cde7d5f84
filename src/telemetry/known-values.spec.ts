import { exchangeKey, exchangeLabels } from './known-values.js';

describe('verb and status of an exchange', () => {
  it.each([
    ['GET', 200, { http_request_method: 'GET', http_response_status_code: '200' }],
    ['QUERY', 404, { http_request_method: 'QUERY', http_response_status_code: '404' }],
    ['DELETE', undefined, { http_request_method: 'DELETE' }],
    ['BREW', 418, { http_request_method: '_OTHER', http_response_status_code: '418' }],
    ['get', 799, { http_request_method: '_OTHER', http_response_status_code: '_OTHER' }],
  ])('%s %s', (method, status, labels) => {
    expect(exchangeLabels(exchangeKey(method, status))).toEqual(labels);
  });

  it('are one key for all that nobody knows', () => {
    expect(exchangeKey('BREW', 799)).toBe(exchangeKey('STEEP', 0));
    expect(exchangeKey('GET', 999)).toBe(exchangeKey('GET', 600));
  });
});
