import { connectDetail } from './connect-detail.js';

describe('why no connection came about', () => {
  it.each([
    ['ECONNREFUSED', 'connection refused'],
    ['ENOTFOUND', 'there is no host of its name'],
    ['CERT_HAS_EXPIRED', 'its certificate was not accepted (CERT_HAS_EXPIRED)'],
    ['ESOMETHING', 'ESOMETHING'],
  ])('is, for %s, "%s", and never the error\'s own words', (code, said) => {
    expect(connectDetail(Object.assign(new Error('connect 10.0.0.1:80'), { code }))).toBe(said);
  });

  it.each([undefined, null, new Error('10.0.0.1'), { code: 7 }, { code: 'at 10.0.0.1' }])(
    'is not known from %p',
    (cause) => {
      expect(connectDetail(cause)).toBeUndefined();
    },
  );
});
