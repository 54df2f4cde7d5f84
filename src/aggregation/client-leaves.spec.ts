import { NEVER, of } from 'rxjs';
import { RequestContext } from '../upstream/request-context.js';
import { aggregate, thenAlso } from './aggregate.js';
import { ClientLeftError } from './composite-run.js';
import { optional, required } from './part.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { watch, type Watched } from './testing/watched.js';

/** A context that knows who still listens. */
class ListenedContext extends RequestContext {
  readonly listeners = new Set<() => void>();

  constructor() {
    super('id', Infinity, {});
  }

  override onClientLeave(listener: () => void): void {
    this.listeners.add(listener);
    super.onClientLeave(listener);
  }

  override offClientLeave(listener: () => void): void {
    this.listeners.delete(listener);
    super.offClientLeave(listener);
  }
}

let context: ListenedContext;

beforeEach(() => {
  context = new ListenedContext();
});

function watchIn<T>(composite: Parameters<typeof watch<T>>[0]): Watched<T> {
  return context.run(() => watch(composite), undefined);
}

describe('a client that leaves', () => {
  it('ends the composite and cancels every part of it, whatever it is', () => {
    const [a, b, c] = [new ScriptedSource(), new ScriptedSource(), new ScriptedSource()];
    const watched = watchIn(
      aggregate({
        done: required(of(1)),
        a: required(a.source),
        b: optional(b.source, { within: 900 }),
      }).pipe(thenAlso(['done'], () => ({ c: optional(c.source) }))),
    );
    context.clientLeft();
    expect(watched.error).toBeInstanceOf(ClientLeftError);
    expect([a.cancelled, b.cancelled, c.cancelled]).toEqual([1, 1, 1]);
  });

  it('keeps parts from being asked when it has left before', () => {
    context.clientLeft();
    const part = new ScriptedSource();
    expect(watchIn(aggregate({ a: required(part.source) })).error).toBeInstanceOf(ClientLeftError);
    expect(part.asked).toBe(0);
  });

  it('ends the composites within parts too', () => {
    const part = new ScriptedSource();
    const inner = aggregate({ b: optional(part.source) });
    const watched = watchIn(aggregate({ a: optional(inner) }));
    context.clientLeft();
    expect(watched.error).toBeInstanceOf(ClientLeftError);
    expect(part.cancelled).toBe(1);
    expect(context.listeners.size).toBe(0);
  });

  it('is heard of in the context of the request', () => {
    const seen: RequestContext[] = [];
    context.run(() => {
      aggregate({ a: required(NEVER) }).subscribe({ error: () => seen.push(RequestContext.current()) });
    }, undefined);
    context.clientLeft();
    expect(seen).toEqual([context]);
  });
});

describe('a composite', () => {
  it('listens for the client while it runs, and no longer', () => {
    const part = new ScriptedSource();
    const composite = aggregate({ a: required(part.source) });

    const answered = watchIn(composite);
    expect(context.listeners.size).toBe(1);
    part.answer('a');
    expect(answered.end).toBe('completed');
    expect(context.listeners.size).toBe(0);

    const failed = watchIn(composite);
    part.fail(new TypeError('bug'));
    expect(failed.end).toBe('failed');
    expect(context.listeners.size).toBe(0);

    watchIn(composite).cancel();
    expect(context.listeners.size).toBe(0);
  });
});
