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

  describe('resized while it runs', () => {
    it('starts as many waiters as there are new permits, in order', () => {
      const one = bulkhead(1, 5);
      const order: string[] = [];
      one.tryAcquire();
      for (const name of ['first', 'second', 'third']) one.tryEnqueue({ granted: () => order.push(name) });
      one.resize(3);
      expect(order).toEqual(['first', 'second']);
      expect(one.snapshot()).toEqual({ inUse: 3, queued: 1, limit: 3, ceiling: 3 });
    });

    it('lets holders finish when it shrinks, and hands out nothing until enough are back', () => {
      const three = bulkhead(3, 5);
      const order: string[] = [];
      for (let taken = 0; taken < 3; taken++) three.tryAcquire();
      three.resize(1);
      expect(three.snapshot()).toEqual({ inUse: 3, queued: 0, limit: 1, ceiling: 1 });
      expect(three.tryAcquire()).toBe(false);
      three.tryEnqueue({ granted: () => order.push('waiter') });
      three.release();
      three.release();
      expect(order).toEqual([]);
      three.release();
      expect(order).toEqual(['waiter']);
      expect(three.inUse).toBe(1);
    });

    it('may be resized by a waiter that has just been started', () => {
      const one = bulkhead(1, 5);
      const order: string[] = [];
      one.tryAcquire();
      one.tryEnqueue({
        granted: () => {
          order.push('first');
          one.resize(2);
          order.push('resized');
        },
      });
      for (const name of ['second', 'third']) one.tryEnqueue({ granted: () => order.push(name) });
      one.release();
      expect(order).toEqual(['first', 'resized', 'second']);
      expect(one).toMatchObject({ inUse: 2, queued: 1 });
    });

    it.each([0, -1, 1.5, NaN, Infinity])('refuses %p permits', (permits) => {
      const two = bulkhead(2);
      expect(() => {
        two.resize(permits);
      }).toThrow(RangeError);
      expect(two.limit).toBe(2);
    });

    it('stays at an adaptive limit below the new size, and follows the limit up to it', () => {
      const ten = bulkhead(10);
      ten.adapt(4);
      expect(ten.snapshot()).toMatchObject({ limit: 4, ceiling: 10 });
      ten.resize(6);
      expect(ten.snapshot()).toMatchObject({ limit: 4, ceiling: 6 });
      ten.adapt(8);
      expect(ten.limit).toBe(6);
      ten.resize(20);
      expect(ten.limit).toBe(8);
    });

    it('starts waiters when an adaptive limit grows', () => {
      const ten = bulkhead(10, 5);
      const order: string[] = [];
      ten.adapt(1);
      ten.tryAcquire();
      for (const name of ['first', 'second', 'third']) ten.tryEnqueue({ granted: () => order.push(name) });
      ten.adapt(3);
      expect(order).toEqual(['first', 'second']);
    });
  });

  it('takes no permit above its limit, keeps the order of arrival, and leaves none idle while somebody waits', () => {
    const step = fc.record({
      do: fc.constantFrom('arrive', 'arrive', 'arrive', 'finish', 'finish', 'leave', 'resize', 'adapt'),
      whom: fc.nat(20),
    });
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
                expect(tested.inUse).toBeLessThanOrEqual(tested.limit);
                expect(waiting).toEqual([]);
                running.push(id);
                return;
              }
              const waiter = {
                granted: () => {
                  expect(tested.inUse).toBeLessThanOrEqual(tested.limit);
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
            } else if (step.do === 'resize') {
              tested.resize(1 + (step.whom % 6));
            } else if (step.do === 'adapt') {
              tested.adapt(1 + (step.whom % 6));
            }
            expect(tested).toMatchObject({ inUse: running.length, queued: waiting.length });
            expect(tested.queued).toBeLessThanOrEqual(maxQueue);
            expect(tested.limit).toBeLessThanOrEqual(tested.ceiling);
            if (waiting.length > 0) expect(tested.inUse).toBeGreaterThanOrEqual(tested.limit);
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
