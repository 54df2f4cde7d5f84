import { RequestContext } from './request-context.js';

describe('a request context', () => {
  it('is none outside a request', () => {
    expect(RequestContext.current()).toBe(RequestContext.none);
    expect(RequestContext.none).toMatchObject({
      id: '',
      deadlineAt: Infinity,
      headers: {},
      clientGone: false,
    });
  });

  it('is current in what it runs, and in what that starts', async () => {
    const context = new RequestContext('r-1', Infinity, {});
    const seen = await context.run(async (text: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      return [text, RequestContext.current()];
    }, 'given');
    expect(seen).toEqual(['given', context]);
    expect(RequestContext.current()).toBe(RequestContext.none);
  });

  it('only ever shrinks its deadline', () => {
    const context = new RequestContext('r-1', 1_000, { a: 'b' });
    expect(context.endingBy(2_000)).toBe(context);
    expect(context.endingBy(500)).toMatchObject({ id: 'r-1', deadlineAt: 500, headers: { a: 'b' } });
  });

  it('tells everybody once that its client has left, in order of registration', () => {
    const context = new RequestContext('r-1', Infinity, {});
    const told: string[] = [];
    context.onClientLeave(() => told.push('first'));
    context.endingBy(500).onClientLeave(() => told.push('second'));
    context.clientLeft();
    context.clientLeft();
    expect(told).toEqual(['first', 'second']);
  });

  it('shares its client with the contexts made from it, both ways', () => {
    const context = new RequestContext('r-1', Infinity, {});
    const shorter = context.endingBy(500);
    shorter.clientLeft();
    expect([context.clientGone, shorter.clientGone]).toEqual([true, true]);
  });

  it('does not tell whoever no longer wants to know, even if that changed just now', () => {
    const context = new RequestContext('r-1', Infinity, {});
    const told: string[] = [];
    const other = (): void => {
      told.push('other');
    };
    context.onClientLeave(() => {
      context.offClientLeave(other);
      told.push('first');
    });
    context.onClientLeave(other);
    context.clientLeft();
    expect(told).toEqual(['first']);
  });

  it('tells who wants to know of its answers, with an earlier deadline as well', () => {
    const notes = { answered: (): void => undefined };
    const context = new RequestContext('r-1', 1_000, { a: '1' }).notedBy(notes);
    expect(context).toMatchObject({ id: 'r-1', deadlineAt: 1_000, headers: { a: '1' }, notes });
    expect(context.endingBy(500).notes).toBe(notes);
  });

  it('has neither deadline nor client nor listeners once it is detached, and still sends the same', () => {
    const notes = { answered: (): void => undefined };
    const context = new RequestContext('r-1', 1_000, { a: '1' }, undefined, { retriedAbove: true }).notedBy(
      notes,
    );
    const detached = context.detached();
    context.clientLeft();
    expect(detached).toMatchObject({
      id: 'r-1',
      deadlineAt: Infinity,
      headers: { a: '1' },
      retriedAbove: true,
    });
    expect([detached.clientGone, detached.deadlineFromClient, detached.notes]).toEqual([
      false,
      false,
      undefined,
    ]);
  });

  it('keeps its deadline and its notes where its calls outlive the client', () => {
    const notes = { answered: (): void => undefined };
    const context = new RequestContext('r-1', 1_000, { a: '1' }, undefined, {
      deadlineFromClient: true,
    }).notedBy(notes);
    const outliving = context.outlivingClient();
    context.clientLeft();
    expect(outliving).toMatchObject({ id: 'r-1', deadlineAt: 1_000, headers: { a: '1' }, clientGone: false });
    expect([outliving.deadlineFromClient, outliving.notes]).toEqual([true, notes]);
  });

  it('has nobody who could leave outside a request', () => {
    const told: string[] = [];
    RequestContext.none.onClientLeave(() => told.push('none'));
    RequestContext.none.endingBy(500).onClientLeave(() => told.push('made from none'));
    RequestContext.none.clientLeft();
    RequestContext.none.endingBy(500).clientLeft();
    expect(told).toEqual([]);
    expect(RequestContext.none.clientGone).toBe(false);
  });
});
