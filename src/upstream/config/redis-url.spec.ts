import { redisUrl } from './redis-url.js';

describe('the URL of a Redis', () => {
  it.each([
    'redis://cache:6379',
    'rediss://user:secret@cache.internal:6380/1',
    'redis://:secret@10.0.0.1',
    'redis://[::1]:6379/0',
  ])('may be %s', (url) => {
    expect(redisUrl.safeParse(url)).toMatchObject({ success: true, data: url });
  });

  it.each([
    'cache:6379',
    'http://cache:6379',
    'redis://',
    'redis://cache/one',
    'redis://cache:6379?x=1',
    'redis://a b',
    7,
  ])('is not %s', (url) => {
    expect(redisUrl.safeParse(url).success).toBe(false);
  });

  it('is not shown in an error', () => {
    const { error } = redisUrl.safeParse('http://user:secret@cache');
    expect(JSON.stringify(error?.issues)).not.toContain('secret');
  });
});
