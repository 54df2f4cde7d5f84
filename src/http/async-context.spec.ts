import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable, Subject } from 'rxjs';
import { preserveAsyncContext } from './async-context.js';

describe('preserveAsyncContext', () => {
  const storage = new AsyncLocalStorage<string>();

  it('delivers values, errors and completion where they were subscribed', () => {
    const heard: unknown[] = [];
    const note = (what: string): void => {
      heard.push([what, storage.getStore()]);
    };
    const source = new Subject<number>();
    const broken = new Subject<number>();

    storage.run('alice', () => {
      preserveAsyncContext(source).subscribe({
        next: () => {
          note('next');
        },
        complete: () => {
          note('complete');
        },
      });
      preserveAsyncContext(broken).subscribe({
        error: () => {
          note('error');
        },
      });
    });
    storage.run('socket', () => {
      source.next(1);
      source.complete();
      broken.error(new Error('broken'));
    });

    expect(heard).toEqual([
      ['next', 'alice'],
      ['complete', 'alice'],
      ['error', 'alice'],
    ]);
  });

  it('keeps each subscription’s own context', () => {
    const heard: (string | undefined)[] = [];
    const source = new Subject<number>();
    const shared = preserveAsyncContext(source);
    for (const who of ['alice', 'bob']) {
      storage.run(who, () => shared.subscribe(() => heard.push(storage.getStore())));
    }
    source.next(1);
    expect(heard).toEqual(['alice', 'bob']);
  });

  it('is cold, and passes unsubscribing on', () => {
    let subscribed = 0;
    let torn = 0;
    const source = new Observable<number>(() => {
      subscribed += 1;
      return () => (torn += 1);
    });
    const preserved = preserveAsyncContext(source);
    expect(subscribed).toBe(0);
    preserved.subscribe().unsubscribe();
    expect([subscribed, torn]).toEqual([1, 1]);
  });
});
