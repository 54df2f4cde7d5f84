import { headerName, headerValue } from './http-header.js';

describe('headerName', () => {
  it('gives names in lower case', () => {
    expect(headerName.parse('X-Api-Key')).toBe('x-api-key');
  });

  it.each(['', 'x api', 'x:y', 'x\r\ny', 'ключ', 'x\u0000'])('refuses %j', (name) => {
    expect(headerName.safeParse(name).success).toBe(false);
  });

  it.each(['Connection', 'content-length', 'Transfer-Encoding', 'te', 'upgrade'])(
    'refuses %s, which frames',
    (name) => {
      expect(headerName.safeParse(name).success).toBe(false);
    },
  );
});

describe('headerValue', () => {
  it.each(['x', 'Bearer a.b.c', 'tab\there', 'caf\u00e9', 12, Infinity, true])('takes %j', (value) => {
    expect(headerValue.safeParse(value).success).toBe(true);
  });

  it.each(['', 'a\r\nb: c', 'a\nb', 'a\rb', 'a\u0000', '\u007f', '\u4f60', null, [], {}])(
    'refuses %j',
    (value) => {
      expect(headerValue.safeParse(value).success).toBe(false);
    },
  );

  it('does not show a value, which may be a secret', () => {
    expect(JSON.stringify(headerValue.safeParse('secret\nx').error?.issues)).not.toContain('secret');
  });
});
