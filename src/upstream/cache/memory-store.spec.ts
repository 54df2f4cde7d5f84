import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { type UpstreamCall } from '../upstream-call.js';
import { KeptAnswer } from './kept-answer.js';
import { MemoryStore } from './memory-store.js';

const KIB = 1024;

function answer(body: string, askedAt = 1): KeptAnswer {
  const request = { uri: 'u', key: 'k', headers: {} };
  const call = { request: { method: 'GET', url: '/' } } as UpstreamCall;
  const response = {
    status: 200,
    statusText: 'OK',
    data: body,
    headers: new AxiosHeaders({ 'cache-control': 'max-age=60' }),
    config: {} as InternalAxiosRequestConfig,
  };
  const kept = KeptAnswer.of(
    request,
    call,
    response,
    askedAt,
    () => askedAt,
    () => false,
  );
  if (kept === undefined) throw new Error('it should be kept');
  return kept;
}

describe('the memory for answers', () => {
  it('gives back what it was given', () => {
    const store = new MemoryStore(64 * KIB);
    const kept = answer('soup');
    store.set({ uri: 'u', key: 'a' }, kept);
    expect(store.get({ uri: 'u', key: 'a' })).toBe(kept);
    expect(store.get({ uri: 'u', key: 'b' })).toBeUndefined();
  });

  it('holds no more bytes than it may, and lets the least recently used go', () => {
    const store = new MemoryStore(64 * KIB);
    for (let n = 0; n < 1_000; n++) {
      store.set({ uri: `u${n}`, key: `k${n}` }, answer('x'.repeat(KIB)));
      store.get({ uri: 'u0', key: 'k0' });
      expect(store.bytes).toBeLessThanOrEqual(64 * KIB);
    }
    expect(store.get({ uri: 'u0', key: 'k0' })).toBeDefined();
    expect(store.get({ uri: 'u1', key: 'k1' })).toBeUndefined();
    expect(store.uris).toBe(store.size);
  });

  it('does not take what is larger than itself, and forgets what that would have replaced', () => {
    const store = new MemoryStore(8 * KIB);
    store.set({ uri: 'u', key: 'k' }, answer('small'));
    store.set({ uri: 'u', key: 'k' }, answer('x'.repeat(9 * KIB)));
    expect(store.get({ uri: 'u', key: 'k' })).toBeUndefined();
    expect([store.size, store.uris]).toEqual([0, 0]);
  });

  it('forgets all answers of a URI, and no others', () => {
    const store = new MemoryStore(64 * KIB);
    for (const key of ['a', 'b']) store.set({ uri: 'u', key }, answer('soup'));
    store.set({ uri: 'v', key: 'c' }, answer('soup'));
    store.invalidate('u', 2);
    expect([store.size, store.uris]).toEqual([1, 1]);
    expect(store.get({ uri: 'v', key: 'c' })).toBeDefined();
  });

  it('does not keep what was asked for before its URI was invalidated', () => {
    const store = new MemoryStore(64 * KIB);
    store.invalidate('u', 5);
    store.set({ uri: 'u', key: 'a' }, answer('old', 5));
    expect(store.size).toBe(0);
    store.set({ uri: 'u', key: 'a' }, answer('new', 6));
    expect(store.size).toBe(1);
  });

  it('does not either when it cannot remember the invalidation any more', () => {
    const store = new MemoryStore(64 * KIB);
    store.invalidate('u', 5);
    for (let n = 0; n < 1_000; n++) store.invalidate(`v${n}`, 6);
    store.set({ uri: 'u', key: 'a' }, answer('old', 5));
    expect(store.size).toBe(0);
    store.set({ uri: 'u', key: 'a' }, answer('new', 7));
    expect(store.size).toBe(1);
  });
});
