import { endpointUrl } from './endpoint-url.js';

describe('endpointUrl', () => {
  it.each([
    ['http://127.0.0.1:4101', 'http://127.0.0.1:4101'],
    ['http://127.0.0.1:4101/', 'http://127.0.0.1:4101'],
    ['https://orders.internal/api/v1', 'https://orders.internal/api/v1'],
    ['https://orders.internal/api/v1//', 'https://orders.internal/api/v1'],
    ['HTTP://Orders:80', 'http://orders'],
    ['http://[::1]:4101/@x', 'http://[::1]:4101/@x'],
  ])('reads %s as %s', (written, url) => {
    expect(endpointUrl.parse(written)).toBe(url);
  });

  it.each([
    'orders:4101',
    '127.0.0.1:4101',
    '/api',
    'ftp://orders',
    'ws://orders',
    'http:orders',
    'http:///orders',
    'http://orders?x=1',
    'http://orders?',
    'http://orders#x',
    'http://orders:99999',
    'http://or ders',
    ' http://orders',
    'http://orders\n/x',
    'http://orders\\x',
    '',
  ])('refuses %j', (written) => {
    expect(endpointUrl.safeParse(written).error?.issues).toEqual([
      expect.objectContaining({
        message: expect.stringContaining('an http or https URL') as string,
        params: {},
      }),
    ]);
  });

  it.each(['http://user:secret@orders', 'http://user@orders', 'http://:secret@orders/x', 'http://@orders'])(
    'refuses the credentials in %s, and does not show them',
    (written) => {
      expect(endpointUrl.safeParse(written).error?.issues).toEqual([
        expect.objectContaining({ params: { found: 'a URL with credentials' } }),
      ]);
    },
  );
});
