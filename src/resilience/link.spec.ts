import { from, NEVER, Observable, of, Subject, take, throwError, type Unsubscribable } from 'rxjs';
import { asHandler, asObservable, type Handler, type Layer } from './call.js';
import { Link } from './link.js';
import { watch } from './testing/spec-support.js';

/** Writes down what happens, in order. */
class Log {
  readonly lines: string[] = [];

  /** One who hears, and no link. */
  caller(): { next(value: string): void; error(error: unknown): void; complete(): void } {
    return {
      next: (value) => this.lines.push(`the caller hears ${value}`),
      error: (error) => this.lines.push(`the caller hears of ${String(error)}`),
      complete: () => this.lines.push('the caller hears of the end'),
    };
  }

  work(name = 'the work'): Unsubscribable {
    return { unsubscribe: () => this.lines.push(`${name} is ended`) };
  }
}

/** A link that holds something, and gives it back before what is beneath it ends. */
class Holder extends Link<string> {
  private readonly held: string;

  constructor(
    behind: Link<string> | ReturnType<Log['caller']>,
    private readonly log: Log,
    private readonly name = 'the link',
    private readonly onEnd: () => void = () => undefined,
  ) {
    super(behind);
    this.held = `${this.name} gives back`;
  }

  protected override end(): void {
    this.log.lines.push(this.held);
    this.onEnd();
    super.end();
  }
}

/** A link with some work beneath it. */
function working() {
  const log = new Log();
  const link = new Holder(log.caller(), log);
  link.worksWith(log.work());
  return { log, link };
}

type Act = (link: Link<string>) => void;
const answer: Act = (link) => {
  link.next('a');
};
const complete: Act = (link) => {
  link.complete();
};
const fail: Act = (link) => {
  link.error('a failure');
};
const leave: Act = (link) => {
  link.unsubscribe();
};

const ENDS: [string, Act, string[]][] = [
  ['completes', complete, ['the caller hears of the end']],
  ['fails', fail, ['the caller hears of a failure']],
  ['is left', leave, []],
];

describe('a link', () => {
  it('hands values on, and stays open', () => {
    const { log, link } = working();
    answer(link);
    answer(link);
    expect(log.lines).toEqual(['the caller hears a', 'the caller hears a']);
    expect(link.closed).toBe(false);
  });

  it.each(ENDS)(
    'that %s gives back and ends what is beneath it, before the one behind hears',
    (_how, end, heard) => {
      const { log, link } = working();
      end(link);
      expect(log.lines).toEqual(['the link gives back', 'the work is ended', ...heard]);
      expect(link.closed).toBe(true);
    },
  );

  it.each(ENDS)('that %s lets nothing pass any more, and ends once', (_how, end) => {
    const { log, link } = working();
    end(link);
    const { length } = log.lines;
    for (const act of [answer, complete, fail, leave]) act(link);
    expect(log.lines).toHaveLength(length);
  });

  it.each(ENDS)('that %s ends once even if it is ended again by what it gives back', (_how, end, heard) => {
    const log = new Log();
    const link: Link<string> = new Holder(log.caller(), log, 'the link', () => {
      for (const act of [answer, complete, fail, leave]) act(link);
    });
    link.worksWith(log.work());
    end(link);
    expect(log.lines).toEqual(['the link gives back', 'the work is ended', ...heard]);
  });

  it('that is left while it hands a value on says nothing more', () => {
    const log = new Log();
    const link: Link<string> = new Holder(
      {
        ...log.caller(),
        next: () => {
          link.unsubscribe();
        },
      },
      log,
    );
    for (const act of [answer, answer, complete]) act(link);
    expect(log.lines).toEqual(['the link gives back']);
  });

  it('ends with nothing beneath it as well', () => {
    const log = new Log();
    complete(new Holder(log.caller(), log));
    expect(log.lines).toEqual(['the link gives back', 'the caller hears of the end']);
  });

  it('that is closed ends at once what starts to work for it', () => {
    const { log, link } = working();
    leave(link);
    log.lines.length = 0;
    link.worksWith(log.work('late work'));
    expect(log.lines).toEqual(['late work is ended']);
  });

  it('ends what works for it now, and not what did before', () => {
    const { log, link } = working();
    link.worksWith(log.work('other work'));
    expect(log.lines).toEqual([]);
    leave(link);
    expect(log.lines).toEqual(['the link gives back', 'other work is ended']);
  });
});

describe('a chain of links', () => {
  function chain() {
    const log = new Log();
    const outer = new Holder(log.caller(), log, 'the outer');
    const inner = new Holder(outer, log, 'the inner');
    inner.worksWith(log.work());
    return { log, outer, inner };
  }

  it('ends from behind downwards when it is left', () => {
    const { log, outer, inner } = chain();
    leave(outer);
    expect(log.lines).toEqual(['the outer gives back', 'the inner gives back', 'the work is ended']);
    expect(inner.closed).toBe(true);
  });

  it.each(ENDS.slice(0, 2))('that %s beneath ends upwards, the caller last', (_how, end, heard) => {
    const { log, outer, inner } = chain();
    end(inner);
    expect(log.lines).toEqual([
      'the inner gives back',
      'the work is ended',
      'the outer gives back',
      ...heard,
    ]);
    expect(outer.closed).toBe(true);
  });

  it('that fails in the middle ends what is beneath before anybody hears of it', () => {
    const { log, outer } = chain();
    fail(outer);
    expect(log.lines).toEqual([
      'the outer gives back',
      'the inner gives back',
      'the work is ended',
      'the caller hears of a failure',
    ]);
  });

  it('is not ended by a link that is left beneath: another may take its place', () => {
    const { log, outer, inner } = chain();
    leave(inner);
    expect(outer.closed).toBe(false);
    answer(new Holder(outer, log, 'the next'));
    expect(log.lines.at(-1)).toBe('the caller hears a');
    leave(outer);
    expect(log.lines.slice(-2)).toEqual(['the outer gives back', 'the next gives back']);
  });

  it('is closed from the start behind a closed link: it holds nothing, and what is to work for it ends at once', () => {
    const { log, outer } = chain();
    leave(outer);
    log.lines.length = 0;
    const late = new Holder(outer, log, 'the late');
    expect(late.closed).toBe(true);
    late.worksWith(log.work('late work'));
    for (const act of [answer, complete, fail, leave]) act(late);
    expect(log.lines).toEqual(['late work is ended']);
  });
});

/** A layer of links that hold something. */
function holding(log: Log): Layer<string, string> {
  return (next) => (call, behind) => {
    next(call, new Holder(behind, log));
  };
}

describe('asObservable', () => {
  it('is cold: each subscription is a call of its own', () => {
    const calls: string[] = [];
    const handler: Handler<string, string> = (call, link) => {
      calls.push(call);
      link.next(`${call} ${calls.length}`);
      link.complete();
    };
    const source = asObservable(handler, 'call');
    expect(calls).toEqual([]);
    expect([watch(source).values, watch(source).values]).toEqual([['call 1'], ['call 2']]);
  });

  it('hands values and the end on, also later', () => {
    const links: Link<string>[] = [];
    const watched = watch(asObservable((_call: string, link: Link<string>) => links.push(link), 'call'));
    links.forEach(answer);
    expect(watched).toMatchObject({ values: ['a'], end: 'none' });
    links.forEach(complete);
    expect(watched).toMatchObject({ values: ['a'], end: 'completed' });
    links.forEach(fail);
    expect(watched.error).toBeUndefined();
  });

  it('ends the call when it is unsubscribed from, once', () => {
    const log = new Log();
    const handler = holding(log)((_call, link) => {
      link.worksWith(log.work());
    });
    const watched = watch(asObservable(handler, 'call'));
    expect(log.lines).toEqual([]);
    watched.cancel();
    watched.cancel();
    expect(log.lines).toEqual(['the link gives back', 'the work is ended']);
  });

  it('ends the call of a caller that leaves while it starts', () => {
    const log = new Log();
    const handler = holding(log)((_call, link) => {
      link.next('early');
      link.worksWith(log.work());
      link.next('late');
    });
    const watched = watch(asObservable(handler, 'call').pipe(take(1)));
    expect(watched).toMatchObject({ values: ['early'], end: 'completed' });
    expect(log.lines).toEqual(['the link gives back', 'the work is ended']);
  });

  it('makes an error of what a handler throws, which ends the chain before the caller hears', () => {
    const log = new Log();
    const bug = new TypeError('not a URL');
    const handler = holding(log)((_call, link) => {
      link.worksWith(log.work());
      throw bug;
    });
    const watched = watch(asObservable(handler, 'call'), () => log.lines.push('the caller hears'));
    expect(watched.error).toBe(bug);
    expect(log.lines).toEqual(['the link gives back', 'the work is ended', 'the caller hears']);
  });

  it('drops what a handler throws that has answered', () => {
    const watched = watch(
      asObservable((_call: string, link: Link<string>) => {
        link.complete();
        throw new TypeError('too late');
      }, 'call'),
    );
    expect(watched).toMatchObject({ end: 'completed', error: undefined });
  });
});

describe('asHandler', () => {
  /** What comes of a call that the source answers, and its link. */
  function ask(source: (call: string) => Observable<string> | Promise<string>) {
    const log = new Log();
    const link = new Holder(log.caller(), log);
    asHandler(source)('call', link);
    return { log, link };
  }

  it('asks the source anew for each call, and for nothing before', () => {
    const calls: string[] = [];
    const handler = asHandler((call: string) => {
      calls.push(call);
      return of('a');
    });
    expect(calls).toEqual([]);
    for (const call of ['one', 'two']) watch(asObservable(handler, call));
    expect(calls).toEqual(['one', 'two']);
  });

  it('hands on what the source says', () => {
    expect(ask((call) => of(call, 'b')).log.lines).toEqual([
      'the caller hears call',
      'the caller hears b',
      'the link gives back',
      'the caller hears of the end',
    ]);
    expect(ask(() => throwError(() => 'a failure')).log.lines).toEqual([
      'the link gives back',
      'the caller hears of a failure',
    ]);
  });

  it('takes whatever can be made an Observable', async () => {
    const { log } = ask(() => Promise.resolve('promised'));
    await Promise.resolve();
    expect(log.lines[0]).toBe('the caller hears promised');
  });

  it.each(ENDS.slice(0, 2))('has ended a source that %s before the link hears of it', (_how, end, heard) => {
    const log = new Log();
    const link = new Holder(log.caller(), log);
    const said = new Subject<string>();
    asHandler<string, string>(
      () =>
        new Observable((subscriber) => {
          subscriber.add(log.work('the source'));
          return said.subscribe(subscriber);
        }),
    )('call', link);
    end(linkTo(said));
    expect(log.lines).toEqual(['the source is ended', 'the link gives back', ...heard]);
  });

  it('ends the source with the link', () => {
    const said = new Subject<string>();
    const { log, link } = ask(() => said);
    expect(said.observed).toBe(true);
    leave(link);
    expect(said.observed).toBe(false);
    said.next('too late');
    expect(log.lines).toEqual(['the link gives back']);
  });

  it('ends a source while it speaks', () => {
    let asked = 0;
    const numbers = from(
      (function* () {
        for (;;) yield `${++asked}`;
      })(),
    );
    expect(
      watch(
        asObservable(
          asHandler(() => numbers),
          'call',
        ).pipe(take(3)),
      ).values,
    ).toEqual(['1', '2', '3']);
    expect(asked).toBe(3);
  });

  it('asks no source for a link that is closed', () => {
    const log = new Log();
    const link = new Holder(log.caller(), log);
    leave(link);
    const source = jest.fn(() => NEVER);
    asHandler(source)('call', link);
    expect(source).not.toHaveBeenCalled();
  });

  it('lets what the source throws fall through to whoever catches it', () => {
    const bug = new TypeError('not a URL');
    const throwing = asHandler((): Observable<string> => {
      throw bug;
    });
    const log = new Log();
    expect(() => {
      throwing('call', new Holder(log.caller(), log));
    }).toThrow(bug);
    expect(log.lines).toEqual([]);
    expect(watch(asObservable(throwing, 'call')).error).toBe(bug);
  });
});

/** One end of a link, for the table above. */
function linkTo(said: Subject<string>): Link<string> {
  return new (class extends Link<string> {})(said);
}
