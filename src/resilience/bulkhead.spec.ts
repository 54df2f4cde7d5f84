import fc from 'fast-check';
import { Bulkhead, type BulkheadWaiter } from './bulkhead.js';

function bulkhead(maxConcurrentCalls: number, maxQueue = 0): Bulkhead {
  return new Bulkhead({ maxConcurrentCalls, maxQueue, maxQueueWaitMs: 100 });
}

describe('Bulkhead', () => {
  it('has as many permits as its limit', () => {
    const two = bulkhead(2);
    expect([two.tryAcquire(), two.tryAcquire(), two.tryAcquire()]).toEqual([true, true, false]);
    expect(two).toMatchObject({ inUse: 2, limit: 2, queued: 0 });
    two.release();
    expect(two.inUse).toBe(1);
    expect(two.tryAcquire()).toBe(true);
  });

  it('refuses to queue more than the queue holds', () => {
    const one = bulkhead(1, 2);
    one.tryAcquire();
    const waiters = Array.from({ length: 3 }, () => ({ granted: () => undefined }));
    expect(waiters.map((waiter) => one.tryEnqueue(waiter))).toEqual([true, true, false]);
    expect(one.queued).toBe(2);
  });

  it('hands a permit to the first in line', () => {
    const one = bulkhead(1, 3);
    const order: string[] = [];
    one.tryAcquire();
    for (const name of ['first', 'second', 'third']) one.tryEnqueue({ granted: () => order.push(name) });
    one.release();
    expect(order).toEqual(['first']);
    expect(one).toMatchObject({ inUse: 1, queued: 2 });
    one.release();
    one.release();
    expect(order).toEqual(['first', 'second', 'third']);
    one.release();
    expect(one).toMatchObject({ inUse: 0, queued: 0 });
  });

  it('passes over a waiter that has left, whose place is free at once', () => {
    const one = bulkhead(1, 1);
    const order: string[] = [];
    const [left, stayed]: BulkheadWaiter[] = [
      { granted: () => order.push('left') },
      { granted: () => order.push('stayed') },
    ];
    one.tryAcquire();
    one.tryEnqueue(left!);
    expect(one.tryEnqueue(stayed!)).toBe(false);
    one.leave(left!);
    expect(one.tryEnqueue(stayed!)).toBe(true);
    one.release();
    expect(order).toEqual(['stayed']);
  });

  it('lets nobody jump the queue while a permit changes hands', () => {
    const one = bulkhead(1, 3);
    const order: string[] = [];
    const jumped: boolean[] = [];
    one.tryAcquire();
    one.tryEnqueue({
      granted: () => {
        order.push('first');
        one.release();
        jumped.push(one.tryAcquire());
      },
    });
    one.tryEnqueue({ granted: () => order.push('second') });
    one.release();
    expect(jumped).toEqual([false]);
    expect(order).toEqual(['first', 'second']);
    expect(one.inUse).toBe(1);
  });

  it('empties a long queue of waiters that end at once, without growing the stack', () => {
    const one = bulkhead(1, 100_000);
    let granted = 0;
    one.tryAcquire();
    for (let waiter = 0; waiter < 100_000; waiter++) {
      one.tryEnqueue({
        granted: () => {
          granted++;
          one.release();
        },
      });
    }
    one.release();
    expect(granted).toBe(100_000);
    expect(one).toMatchObject({ inUse: 0, queued: 0 });
  });

  it('never exceeds its limit, keeps the order of arrival, and leaves no permit idle while somebody waits', () => {
    const step = fc.record({ do: fc.constantFrom('arrive', 'arrive', 'finish', 'leave'), whom: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(5),
        fc.array(step, { maxLength: 100 }),
        (limit, maxQueue, steps) => {
          const tested = bulkhead(limit, maxQueue);
          let running: number[] = [];
          let waiting: { readonly id: number; readonly waiter: BulkheadWaiter }[] = [];

          steps.forEach((step, id) => {
            if (step.do === 'arrive') {
              if (tested.tryAcquire()) {
                expect(waiting).toEqual([]);
                running.push(id);
                return;
              }
              const waiter = {
                granted: () => {
                  expect(waiting[0]?.id).toBe(id);
                  waiting.shift();
                  running.push(id);
                },
              };
              const room = waiting.length < maxQueue;
              expect(tested.tryEnqueue(waiter)).toBe(room);
              if (room) waiting.push({ id, waiter });
            } else if (step.do === 'finish' && running.length > 0) {
              const [finished] = running.splice(step.whom % running.length, 1);
              tested.release();
              expect(running).not.toContain(finished);
            } else if (step.do === 'leave' && waiting.length > 0) {
              const [left] = waiting.splice(step.whom % waiting.length, 1);
              tested.leave(left!.waiter);
            }
            expect(tested).toMatchObject({ inUse: running.length, queued: waiting.length });
            expect(tested.inUse).toBeLessThanOrEqual(limit);
            if (waiting.length > 0) expect(tested.inUse).toBe(limit);
          });

          for (const { waiter } of waiting) tested.leave(waiter);
          waiting = [];
          const left = running.length;
          running = [];
          for (let permit = 0; permit < left; permit++) tested.release();
          expect(tested).toMatchObject({ inUse: 0, queued: 0 });
        },
      ),
    );
  });
});
