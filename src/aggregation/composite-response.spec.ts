import { Body, Controller, Get, Header, NotFoundException, Param, Post } from '@nestjs/common';
import {
  catchError,
  defer,
  firstValueFrom,
  forkJoin,
  map,
  merge,
  mergeMap,
  NEVER,
  Observable,
  of,
  retry,
  take,
  throwError,
} from 'rxjs';
import { BreakerOpenError } from '../resilience/rejections.js';
import { VERDICTS } from '../resilience/verdict.js';
import { RequestContext } from '../upstream/request-context.js';
import { type FailureReason, UpstreamError } from '../upstream/upstream-error.js';
import { aggregate, type AggregateOptions, thenAlso } from './aggregate.js';
import { ClientLeftError } from './composite-run.js';
import { optional, required, skipped } from './part.js';
import { eventually } from './testing/eventually.js';
import { ScriptedSource } from './testing/scripted-source.js';
import { type Item, parseItem, parseList } from './testing/structured-field.js';
import { type Answer, type Ask, TestGateway } from './testing/test-gateway.js';

let gateway: TestGateway;
let handler: (argument: string) => unknown;

@Controller()
class TestController {
  @Get('composite')
  @Header('cache-control', 'max-age=60')
  composite(): unknown {
    return handler('');
  }

  @Get('of/:argument')
  compositeOf(@Param('argument') argument: string): unknown {
    return handler(argument);
  }

  @Post('composite')
  posted(@Body() body: { readonly text: string }): unknown {
    return handler(body.text);
  }
}

beforeAll(async () => {
  gateway = await TestGateway.start({ controllers: [TestController] });
});

afterAll(() => gateway.stop());

beforeEach(() => {
  gateway.log.errors.length = 0;
});

afterEach(() => {
  const warnings = gateway.log.warnings.splice(0).map(([line]) => String(line));
  expect(warnings.filter((line) => !/ answered 50\d: /.test(line))).toEqual([]);
});

/** What `/composite` answers when its handler does this. */
function answerOf(handles: () => unknown, prefer?: string): Promise<Answer> {
  handler = handles;
  return gateway.ask('/composite', prefer === undefined ? {} : { headers: { prefer } });
}

function failing(reason: FailureReason = 'reset', status?: number): Observable<never> {
  const cause = new Error('connect ECONNREFUSED http://secret.internal:8080/v1?key=secret');
  const error = { upstream: 'secret', reason, verdict: VERDICTS.neutral, status, cause };
  return throwError(() => new UpstreamError(error));
}

const ok = of('value');

function partsOf({ headers }: Answer): string[] {
  return parseList(headers['composite-parts'] ?? '').map(inWords);
}

function inWords({ value, parameters: { state, reason } }: Item): string {
  return [value, state, reason].filter((word) => word !== undefined).join(' ');
}

describe('the response of a complete composite', () => {
  it('is its value, with the report in the header', async () => {
    const answer = await answerOf(() => aggregate({ b: required(ok), a: optional(ok), s: skipped() }));
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('{"b":"value","a":"value","s":null}');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'composite-complete': '?1',
      'composite-parts': expect.stringMatching(
        /^b;state=ok;dur=\d+, a;state=ok;dur=\d+, s;state=skipped;dur=0$/,
      ) as string,
      'server-timing': expect.stringMatching(/^b;dur=\d+, a;dur=\d+, s;dur=0;desc="skipped"$/) as string,
      'cache-control': 'max-age=60',
    });
    expect(answer.headers).not.toHaveProperty('preference-applied');
    expect(parseItem(answer.headers['composite-complete'] ?? '').value).toBe(true);
  });

  it('has no list of parts where there is none: RFC 9651 has no empty list', async () => {
    const { status, text, headers } = await answerOf(() => aggregate({}));
    expect({ status, text }).toEqual({ status: 200, text: '{}' });
    expect(headers).toMatchObject({ 'composite-complete': '?1' });
    expect(headers).not.toHaveProperty('composite-parts');
    expect(headers).not.toHaveProperty('server-timing');
  });

  it('keeps its report whatever stands behind the composite', async () => {
    const mapped = await answerOf(() => aggregate({ a: required(ok) }).pipe(map(({ a }) => [a, a])));
    expect(mapped.text).toBe('["value","value"]');
    expect(partsOf(mapped)).toEqual(['a ok']);

    const awaited = await answerOf(async () => {
      const { a } = await firstValueFrom(aggregate({ a: required(ok) }));
      return { awaited: a };
    });
    expect(awaited.text).toBe('{"awaited":"value"}');
    expect(partsOf(awaited)).toEqual(['a ok']);
  });

  it('is the same for HEAD, without the body', async () => {
    handler = () => aggregate({ a: required(ok), b: optional(failing()) });
    const got = await gateway.ask('/composite');
    const answer = await gateway.ask('/composite', { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(partsOf(answer)).toEqual(['a ok', 'b fallback reset']);
    for (const name of ['composite-complete', 'cache-control', 'content-type', 'content-length']) {
      expect(answer.headers[name]).toBe(got.headers[name]);
    }
  });

  it('is that of a composite behind a parsed body as well', async () => {
    handler = (text) => aggregate({ a: required(of(text)), id: required(contextId()) });
    const answer = await gateway.ask('/composite', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'posted' },
      body: '{"text":"hello"}',
    });
    expect(answer).toMatchObject({ status: 201, text: '{"a":"hello","id":"posted"}' });
    expect(partsOf(answer)).toEqual(['a ok', 'id ok']);
  });
});

describe('the response of a composite with a part missing', () => {
  it('says so, and may not be stored', async () => {
    const answer = await answerOf(() =>
      aggregate({ a: required(ok), b: optional(failing('timeout'), { fallback: [] }) }),
    );
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('{"a":"value","b":[]}');
    expect(answer.headers).toMatchObject({ 'composite-complete': '?0', 'cache-control': 'no-store' });
    expect(partsOf(answer)).toEqual(['a ok', 'b fallback timeout']);
    expect(parseItem(answer.headers['composite-complete'] ?? '').value).toBe(false);
  });

  it('has the status the composite chose for it', async () => {
    const partial = (part: Observable<string>) => () =>
      aggregate({ a: optional(part) }, { partialStatus: 206 });
    expect(await answerOf(partial(failing()))).toMatchObject({ status: 206 });
    expect(await answerOf(partial(ok))).toMatchObject({ status: 200 });
    handler = partial(failing());
    const posted = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    expect(await gateway.ask('/composite', posted)).toMatchObject({ status: 206 });
  });

  it('has the status of the problem where the composite failed', async () => {
    const handles = () =>
      aggregate({ a: required(failing()), b: optional(failing()) }, { partialStatus: 206 });
    expect(await answerOf(handles)).toMatchObject({ status: 502 });
  });
});

describe('the report in the body', () => {
  const reported = { complete: false, parts: { a: { state: 'fallback', reason: 'reset', durationMs: 0 } } };
  const missing =
    (options: AggregateOptions = {}) =>
    () =>
      aggregate({ a: optional(failing()) }, options);

  it('stands there when the composite asks for it', async () => {
    const { text, headers } = await answerOf(missing({ report: 'body' }));
    expect(JSON.parse(text)).toEqual({ a: null, _composite: reported });
    expect(headers).not.toHaveProperty('preference-applied');
    expect(headers).toHaveProperty('composite-parts');
  });

  it('stands there when the client asks for it', async () => {
    const { text, headers } = await answerOf(missing(), 'report=body');
    expect(JSON.parse(text)).toEqual({ a: null, _composite: reported });
    expect(headers).toMatchObject({ 'preference-applied': 'report=body' });
  });

  it('stands there when nobody asks for the headers only', async () => {
    const { text } = await answerOf(missing({ report: 'headers' }));
    expect(JSON.parse(text)).toEqual({ a: null });
  });

  it('stands in a problem document too', async () => {
    const { text, headers } = await answerOf(() => aggregate({ a: required(failing()) }), 'report=body');
    expect(headers).toMatchObject({ 'content-type': 'application/problem+json; charset=utf-8' });
    expect(JSON.parse(text)).toMatchObject({
      status: 502,
      part: 'a',
      _composite: { complete: false, parts: { a: { state: 'failed', reason: 'reset' } } },
    });
  });

  it.each([
    ['an array', [1], '[1]'],
    ['a text', 'text', 'text'],
    ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['nothing', null, 'null'],
  ])('has no place in %s, which stays as it is, and does not claim to be there', async (_, body, text) => {
    const answer = await answerOf(() => aggregate({ a: required(ok) }).pipe(map(() => body)), 'report=body');
    expect(answer.text).toBe(text);
    expect(answer.headers).not.toHaveProperty('preference-applied');
    expect(partsOf(answer)).toEqual(['a ok']);
  });
});

describe('what the client prefers', () => {
  it('is handling=strict: every part is required', async () => {
    const handles = () => aggregate({ a: required(ok), b: optional(failing('connect')) });
    const answer = await answerOf(handles, 'handling=strict');
    expect(answer.status).toBe(502);
    expect(answer.headers).toMatchObject({
      'composite-complete': '?0',
      'preference-applied': 'handling=strict',
    });
    expect(JSON.parse(answer.text)).toMatchObject({
      detail: "The part 'b' could not be reached, and the request wants every part (handling=strict).",
      part: 'b',
      reason: 'connect',
    });
    expect(await answerOf(handles, 'handling=lenient')).toMatchObject({
      status: 200,
      headers: { 'preference-applied': 'handling=lenient' },
    });
  });

  it('is wait: the composite’s deadline shrinks', async () => {
    // Were it not for the client, this would take a minute.
    const answer = await answerOf(() => aggregate({ a: optional(NEVER) }, { deadline: 60_000 }), 'wait=1');
    expect(answer).toMatchObject({ status: 200, headers: { 'preference-applied': 'wait=1' } });
    expect(partsOf(answer)).toEqual(['a fallback deadline']);
  });

  it('is wait: parts see it, and it never makes the deadline later', async () => {
    const remaining = defer(() => of(RequestContext.current().deadlineAt - performance.now()));
    const handles = (deadline: number) => () => aggregate({ ms: required(remaining) }, { deadline });
    const remainingMs = async (deadline: number, prefer: string): Promise<number> =>
      (JSON.parse((await answerOf(handles(deadline), prefer)).text) as { ms: number }).ms;
    expect(await remainingMs(60_000, 'wait=2')).toBeLessThanOrEqual(1980);
    expect(await remainingMs(500, 'wait=2')).toBeLessThanOrEqual(480);
  });

  it('is not answered where no composite could honour it', async () => {
    const { headers } = await answerOf(() => ({ plain: true }), 'handling=strict, report=body');
    expect(headers).not.toHaveProperty('preference-applied');
    expect(headers).not.toHaveProperty('composite-complete');
  });
});

describe('several composites in one exchange', () => {
  it('read as one, in the order they started in, whichever ends first', async () => {
    const slow = new ScriptedSource();
    const answer = await answerOf(() => {
      const quick = aggregate({ b: optional(failing()) }).pipe(
        map((value) => {
          setImmediate(() => {
            slow.answer('at last');
          });
          return value;
        }),
      );
      return forkJoin([aggregate({ a: required(slow.source) }, { partialStatus: 206 }), quick]);
    });
    expect(answer.text).toBe('[{"a":"at last"},{"b":null}]');
    expect(partsOf(answer)).toEqual(['a ok', 'b fallback reset']);
    // The one that chose a status for it is complete.
    expect(answer).toMatchObject({ status: 200, headers: { 'composite-complete': '?0' } });
  });

  it('may follow one upon another, and all heed the client', async () => {
    const second = () => aggregate({ b: optional(failing()) });
    const handles = () => aggregate({ a: required(ok, { within: 50 }) }).pipe(mergeMap(second));
    expect(partsOf(await answerOf(handles))).toEqual(['a ok', 'b fallback reset']);
    expect(await answerOf(handles, 'handling=strict')).toMatchObject({ status: 502 });
  });

  it('may stand in for one another', async () => {
    const answer = await answerOf(() =>
      aggregate({ a: required(failing()) }).pipe(catchError(() => aggregate({ b: required(ok) }))),
    );
    expect(answer.text).toBe('{"b":"value"}');
    expect(partsOf(answer)).toEqual(['a failed reset', 'b ok']);
    expect(answer.headers).toMatchObject({ 'composite-complete': '?0' });
  });

  it('are one where it is only asked again', async () => {
    let attempts = 0;
    const flaky = defer(() => (++attempts === 1 ? failing() : ok));
    const answer = await answerOf(() => aggregate({ a: required(flaky) }).pipe(retry(1)));
    expect(answer.headers).toMatchObject({ 'composite-complete': '?1' });
    expect(partsOf(answer)).toEqual(['a ok']);
  });

  it('do not count inside a part of another: that part has a report of its own', async () => {
    const inner = aggregate({ b: optional(failing()), c: optional(failing()) }).pipe(
      thenAlso(['b'], () => ({ d: optional(aggregate({ e: optional(failing()) })) })),
    );
    const answer = await answerOf(() =>
      aggregate({ a: required(inner) }).pipe(
        thenAlso(['a'], () => ({ f: optional(aggregate({ g: optional(failing()) }), { within: 100 }) })),
      ),
    );
    expect(answer.text).toBe('{"a":{"b":null,"c":null,"d":{"e":null}},"f":{"g":null}}');
    expect(partsOf(answer)).toEqual(['a ok', 'f ok']);
  });

  it('are not complete where they were given up', async () => {
    const answer = await answerOf(() =>
      merge(aggregate({ a: optional(NEVER) }), of('no time for that')).pipe(take(1)),
    );
    expect(answer.text).toBe('no time for that');
    expect(answer.headers).toMatchObject({ 'composite-complete': '?0' });
    expect(partsOf(answer)).toEqual(['a skipped']);
  });

  it('do not count while they still run', async () => {
    const never = new ScriptedSource();
    const answer = await answerOf(() => {
      aggregate({ a: required(never.source) }).subscribe({ error: () => undefined });
      return aggregate({ b: required(ok) });
    });
    expect(partsOf(answer)).toEqual(['b ok']);
    never.fail(new BreakerOpenError(1));
  });
});

describe('the problem of a composite that failed', () => {
  it.each([
    ['timeout', undefined, 504],
    ['deadline', undefined, 504],
    ['connect', undefined, 502],
    ['reset', undefined, 502],
    ['invalid', undefined, 502],
    ['too-large', undefined, 502],
    ['status', 400, 502],
    ['status', 500, 502],
    ['status', 503, 502],
    ['status', 401, 401],
    ['status', 403, 403],
    ['status', 404, 404],
    ['status', 410, 410],
    ['open', undefined, 503],
    ['full', undefined, 503],
  ] as const)(
    'is, for %s %p, a %i, and tells nothing of the upstream',
    async (reason, upstreamStatus, status) => {
      const answer = await answerOf(() =>
        aggregate({ a: required(failing(reason, upstreamStatus)), b: optional(ok) }),
      );
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        'content-type': 'application/problem+json; charset=utf-8',
        'cache-control': 'no-store',
        'composite-complete': '?0',
      });
      expect(JSON.parse(answer.text)).toMatchObject({
        type: 'about:blank',
        status,
        part: 'a',
        reason,
        requestId: answer.headers['x-request-id'],
      });
      expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
      expect(partsOf(answer)).toEqual([`a failed ${reason}`, 'b skipped']);
      expect(JSON.stringify(answer)).not.toContain('secret');
      expect(gateway.log.errors).toEqual([]);
    },
  );

  it('says when to come back', async () => {
    const open = throwError(() => new BreakerOpenError(4200));
    const answer = await answerOf(() => aggregate({ a: required(open) }));
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  });

  it('is that of the exception the code of a part threw', async () => {
    const missing = throwError(() => new NotFoundException('There is no such cart.'));
    const answer = await answerOf(() => aggregate({ a: required(missing) }));
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toMatchObject({ status: 404, detail: 'There is no such cart.' });
    expect(partsOf(answer)).toEqual(['a failed status']);
    expect(gateway.log.errors).toEqual([]);
  });

  it('is a 500 for a bug, which is written into the log and nowhere else', async () => {
    const bug = new TypeError('secret is not a function');
    const answer = await answerOf(() => aggregate({ a: required(throwError(() => bug)) }));
    expect(answer.status).toBe(500);
    expect(JSON.stringify(answer)).not.toContain('secret');
    const id = answer.headers['x-request-id'] ?? '';
    expect(JSON.parse(answer.text)).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      requestId: id,
    });
    expect(partsOf(answer)).toEqual(['a failed invalid']);
    expect(gateway.log.errors).toEqual([[`GET /composite (${id}) failed`, bug, 'Problem']]);
  });

  it('is a 500 for a bug in thenAlso, and does not call the composite complete', async () => {
    // Of another kind than the one before: of equal ones, one a second is logged.
    const bug = new RangeError('a is too long');
    const answer = await answerOf(() =>
      aggregate({ a: required(ok) }).pipe(
        thenAlso(['a'], () => {
          throw bug;
        }),
      ),
    );
    expect(answer.status).toBe(500);
    expect(answer.headers).toMatchObject({ 'composite-complete': '?0' });
    expect(partsOf(answer)).toEqual(['a ok']);
    expect(gateway.log.errors).toHaveLength(1);
  });
});

describe('a client that leaves', () => {
  it('cancels what runs for it, and is no error', async () => {
    const [a, b] = [new ScriptedSource(), new ScriptedSource()];
    handler = () => aggregate({ a: required(a.source), b: optional(b.source, { within: 5000 }) });
    const socket = await gateway.connect();
    socket.write('GET /composite HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => a.waiting === 1 && b.waiting === 1);
    socket.destroy();
    await eventually(() => a.waiting === 0 && b.waiting === 0);
    expect([a.cancelled, b.cancelled]).toEqual([1, 1]);
    expect(a.context?.clientGone).toBe(true);
    // The exchange that follows shows that this one has ended, and how.
    await answerOf(() => aggregate({ a: required(ok) }));
    expect(gateway.log.errors).toEqual([]);
  });

  it('is not one that got its answer', async () => {
    let context = RequestContext.none;
    await answerOf(() => {
      context = RequestContext.current();
      return aggregate({ a: required(ok) });
    });
    await gateway.stop();
    expect(context.clientGone).toBe(false);
    gateway = await TestGateway.start({ controllers: [TestController] });
  });

  it('keeps parts from being asked when it left before the handler', async () => {
    const gate = new ScriptedSource();
    const part = new ScriptedSource();
    let left = false;
    const slow = await TestGateway.start({ controllers: [TestController] }, (fastify) => {
      // A hook that takes its time: a rate limiter that asks Redis, say.
      fastify.addHook('onRequest', (_request, reply, done) => {
        reply.raw.once('close', () => (left = true));
        gate.source.subscribe({ complete: done });
      });
    });
    let error: unknown;
    // What answers an Observable, Nest itself would not ask.
    handler = () =>
      firstValueFrom(aggregate({ a: required(part.source) })).catch((reason: unknown) => (error = reason));
    const socket = await slow.connect();
    socket.write('GET /composite HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => gate.waiting === 1);
    socket.destroy();
    await eventually(() => left);
    gate.complete();
    await eventually(() => error !== undefined);
    expect(error).toBeInstanceOf(ClientLeftError);
    expect(part.asked).toBe(0);
    await slow.stop();
  });
});

describe('a thousand requests at once', () => {
  it('each get their own answer, whatever runs beside them', async () => {
    // Latencies of their own: parts of different requests answer in each other's turns.
    const later = <T>(value: () => T): Observable<T> =>
      new Observable((subscriber) => {
        const timer = setTimeout(() => {
          subscriber.next(value());
          subscriber.complete();
        }, Math.random() * 30);
        return () => {
          clearTimeout(timer);
        };
      });
    const id = () => RequestContext.current().id;
    handler = (argument) =>
      aggregate({
        argument: required(later(() => argument)),
        before: required(contextId()),
        after: optional(later(id)),
        broken: optional(later(() => null).pipe(mergeMap(() => failing()))),
      }).pipe(
        thenAlso(['after'], ({ after }) => ({
          then: required(
            later(() => `${after} ${id()}`),
            { within: 2000 },
          ),
        })),
        thenAlso(() => ({ last: required(contextId()) })),
        map((value) => ({ ...value, behind: id() })),
      );
    const ask = async (index: number): Promise<void> => {
      const name = `r${index}`;
      const headers: Ask = { headers: { 'x-request-id': name } };
      const { status, text, headers: fields } = await gateway.ask(`/of/a${index}`, headers);
      expect(status).toBe(200);
      expect(fields['x-request-id']).toBe(name);
      expect(JSON.parse(text)).toEqual({
        argument: `a${index}`,
        before: name,
        after: name,
        broken: null,
        then: `${name} ${name}`,
        last: name,
        behind: name,
      });
    };
    await Promise.all(Array.from({ length: 1000 }, (_, index) => ask(index)));
    expect(gateway.log.errors).toEqual([]);
  });
});

function contextId(): Observable<string> {
  return defer(() => of(RequestContext.current().id));
}
