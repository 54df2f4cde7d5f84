import { Logger } from '@nestjs/common';
import axios, { AxiosError } from 'axios';
import { UpstreamError } from '../../upstream/upstream-error.js';
import { VERDICTS } from '../../resilience/verdict.js';
import { type GatewayLogger } from './gateway-logger.js';
import { keptLogger } from './testing/kept-stream.js';

afterAll(() => {
  Logger.overrideLogger(false);
});

/** What is written in production for what is said to Nest's `Logger`. */
function inProduction(say: (logger: Logger) => void): Record<string, unknown> {
  const line = inText(say, { nodeEnv: 'production' });
  expect(line.endsWith('}\n')).toBe(true);
  expect(line.match(/\n/g)).toHaveLength(1);
  return JSON.parse(line) as Record<string, unknown>;
}

function inText(say: (logger: Logger) => void, options: Parameters<typeof keptLogger>[0] = {}): string {
  const { logger, written } = keptLogger(options);
  Logger.overrideLogger(logger);
  say(new Logger('Weather'));
  return written();
}

describe('the log in production', () => {
  it('is an object a line', () => {
    const line = inProduction((log) => {
      log.warn('it rains', { litres: 3, where: { town: 'Ghent' } });
    });
    expect(line).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      level: 'warn',
      context: 'Weather',
      message: 'it rains',
      litres: 3,
      where: { town: 'Ghent' },
    });
    expect(Math.abs(Date.parse(String(line['timestamp'])) - Date.now())).toBeLessThan(60_000);
  });

  it.each([
    ['log', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['fatal', 'fatal'],
  ] as const)('calls what Nest calls %s %s', (method, level) => {
    expect(
      inProduction((log) => {
        log[method]('x');
      }),
    ).toMatchObject({ level, message: 'x', context: 'Weather' });
  });

  it('has of an error its name, message, code and stack, and those of its cause', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const { message, error } = inProduction((log) => {
      log.error('it broke', new TypeError('a bug', { cause }));
    });
    expect(message).toBe('it broke');
    expect(error).toEqual({
      name: 'TypeError',
      message: 'a bug',
      stack: expect.stringMatching(/^TypeError: a bug\n +at /) as string,
      cause: {
        name: 'Error',
        message: 'refused',
        code: 'ECONNREFUSED',
        stack: expect.stringContaining('at ') as string,
      },
    });
  });

  it.each([
    [
      'an error alone',
      (log: Logger) => {
        log.error(new Error('a bug'));
      },
    ],
    [
      'a message and a stack, as Nest does it',
      (log: Logger) => {
        log.error('a bug', new Error('a bug').stack);
      },
    ],
  ])('understands %s', (_what, say) => {
    expect(inProduction(say)).toMatchObject({
      message: 'a bug',
      context: 'Weather',
      error: { stack: expect.stringMatching(/^Error: a bug\n +at /) as string },
    });
  });

  it('is one line and valid JSON whatever is said', () => {
    const circular: Record<string, unknown> = { big: 1n, bytes: Buffer.from('secret'), when: new Date(0) };
    circular['self'] = circular;
    Object.defineProperty(circular, 'trap', {
      enumerable: true,
      get: () => {
        throw new Error('not to be run');
      },
    });
    const line = inProduction((log) => {
      log.log('a\nb\u001b[31m\u009b\u2028"\\\ud800', circular, { message: 'mine', level: 'fatal' });
    });
    expect(line).toMatchObject({
      level: 'info',
      level_: 'fatal',
      message: 'a\nb\u001b[31m\u009b\u2028"\\\ud800',
      message_: 'mine',
      big: '1',
      bytes: '[6 bytes]',
      when: '1970-01-01T00:00:00.000Z',
    });
  });

  it('is plain ASCII where a terminal would do as it is told', () => {
    const text = inText(
      (log) => {
        log.log('\u001b]0;owned\u0007\u009b2J\u202e\u2028');
      },
      { nodeEnv: 'production', isTTY: true },
    );

    expect(text).toMatch(/^[\x20-\x7e]+\n$/);
  });

  it('cuts what is longer than a line should be', () => {
    const text = inText(
      (log) => {
        log.log('x'.repeat(1_000_000), { list: Array.from({ length: 1_000 }, (_, n) => n) });
      },
      { nodeEnv: 'production' },
    );
    expect(text.length).toBeLessThan(10_000);
    expect(text).toContain('(1000000 characters)');
    expect(text).toContain('[950 more]');
  });
});

describe('the log for people', () => {
  it('is a line, and what it takes more is indented below', () => {
    const text = inText((log) => {
      log.error('it broke', { part: 'the door', n: 1 }, new Error('a bug'));
    });
    const [first, ...below] = text.trimEnd().split('\n');
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ERROR \[Weather\] it broke part="the door" n=1$/,
    );
    expect(below.length).toBeGreaterThan(1);
    expect(below.every((line) => line.startsWith('    '))).toBe(true);
    expect(below[0]).toBe('    Error: a bug');
  });

  it('lets nobody begin a line, or speak to the terminal', () => {
    const text = inText((log) => {
      log.log('hello\r\n2026-01-01 00:00:00.000 INFO  [Audit] all is well\u001b[2J\u009b1m', {
        a: 'b\nc\u0007',
      });
    });
    const lines = text.split('\n');
    expect(lines[1]).toMatch(/^ {4}2026/);
    // eslint-disable-next-line no-control-regex -- which is what is looked for
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(text).toContain('hello\\u000d');
  });

  it.each([
    [true, undefined, true],
    [true, '', true],
    [true, '1', false],
    [false, undefined, false],
  ])('on a terminal: %p, NO_COLOR=%p: coloured: %p', (isTTY, noColor, isColoured) => {
    const text = inText(
      (log) => {
        log.warn('it rains');
      },
      { isTTY, ...(noColor === undefined ? {} : { noColor }) },
    );
    expect(text).toContain('it rains');
    expect(text.includes('\u001b')).toBe(isColoured);
  });

  it('is JSON all the same where the configuration says so, and text in production where that does', () => {
    const { logger, written } = keptLogger();
    logger.useFormat('json');
    logger.log('one');
    logger.useFormat('text');
    logger.log('two');
    expect(written()).toMatch(/^\{.*"one".*\}\n\d.* INFO {2}two\n$/);
  });
});

describe('what the log never shows', () => {
  const SECRETS = /hunter2|s3cr3t|abc\.def/;

  const config = {
    url: 'http://user:hunter2@orders:8080/a?key=s3cr3t',
    headers: { Authorization: 'Bearer abc.def.ghi', Cookie: 'session=s3cr3t' },
    auth: { username: 'u', password: 'hunter2' },
    data: 'password=hunter2',
  };

  async function failedCall(): Promise<unknown> {
    const adapter = (used: AxiosError['config']): never => {
      throw new AxiosError(
        'connect to http://user:hunter2@orders:8080/a?key=s3cr3t failed',
        'ECONNREFUSED',
        used,
      );
    };
    return axios.request({ ...config, adapter }).catch((error: unknown) => error);
  }

  it.each(['production', 'development'])(
    'is in an AxiosError: the request it was made for (%s)',
    async (nodeEnv) => {
      const error = await failedCall();
      expect(JSON.stringify((error as AxiosError).config?.headers)).toMatch(SECRETS);
      for (const say of [
        (log: Logger) => {
          log.error(error);
        },
        (log: Logger) => {
          log.error('it failed', error);
        },
        (log: Logger) => {
          log.warn('it failed', { error });
        },
        (log: Logger) => {
          log.log(error);
        },
        (log: Logger) => {
          log.log([error]);
        },
        (log: Logger) => {
          log.log({ config: (error as AxiosError).config });
        },
      ]) {
        const text = inText(say, { nodeEnv });
        expect(text).toMatch(/ECONNREFUSED|failed|config/);
        expect(text).not.toMatch(SECRETS);
      }
    },
  );

  it.each([
    'GET http://user:hunter2@orders/a?token=s3cr3t#x failed',
    'redis://:hunter2@cache:6379 is not there',
    'Cannot GET /reset?token=s3cr3t&user=1',
    'authorization: Bearer abc.def.ghi',
    '{"headers":{"cookie":"session=s3cr3t; b=c","x":1}}',
    'sent Bearer abc.def.ghi',
    'sent Basic s3cr3thunter2=',
    'password=hunter2',
    '"api_key": "s3cr3t"',
    'clientSecret: s3cr3t',
  ])('is in the text %s', (text) => {
    for (const nodeEnv of ['production', 'development'])
      expect(
        inText(
          (log) => {
            log.warn(text);
          },
          { nodeEnv },
        ),
      ).not.toMatch(SECRETS);
  });

  it.each([
    'gateway.yaml:3:1  server.adminToken: found something else (not shown); expected a token of 16 to 256 characters',
    'upstreams.orders.headers.authorization: found line breaks; expected text',
    'the basic understanding of bearer bonds, and of tokens',
    'listening on http://127.0.0.1:3000, is that right? Yes',
  ])('leaves alone what is none: %s', (text) => {
    expect(
      inText((log) => {
        log.warn(text);
      }),
    ).toContain(`${text}\n`);
  });

  it('is in fields that go by a name for such things', () => {
    const text = inText((log) => {
      log.log('asked', {
        headers: { accept: 's3cr3t' },
        accessToken: 's3cr3t',
        url: '/a?b=s3cr3t',
        deep: { password: 'hunter2' },
      });
    });
    expect(text).not.toMatch(SECRETS);
    expect(text).toContain('headers=[redacted]');
  });

  it('is beneath an error of this gateway', async () => {
    const cause = await failedCall();
    const error = new UpstreamError({
      upstream: 'orders',
      reason: 'connect',
      verdict: VERDICTS.failed,
      cause,
    });
    const line = inProduction((log) => {
      log.error('it failed', error);
    });
    expect(line['error']).toEqual({
      name: 'UpstreamError',
      message: expect.stringMatching(/^upstream 'orders' could not be reached/) as string,
      stack: expect.any(String) as string,
    });
  });
});

describe('what is logged', () => {
  const written = (say: (logger: GatewayLogger) => void): string => {
    const kept = keptLogger();
    say(kept.logger);
    return kept.written();
  };

  it('is what its level lets through, and what ends the process', () => {
    const text = written((logger) => {
      logger.levels.configure('warn');
      logger.log('one', 'A');
      logger.levels.set('A', 'debug');
      logger.debug('two', 'A');
      logger.debug('three', 'B');
      logger.levels.configure('off');
      logger.error('four', 'B');
      logger.fatal('five', 'B');
      logger.log('six', 'Audit');
    });
    expect(text.match(/one|two|three|four|five|six/g)).toEqual(['two', 'five', 'six']);
  });

  it('is not what Nest says of its own start, nor why it cannot: whoever starts it does', () => {
    const text = written((logger) => {
      logger.log('Starting Nest application...', 'NestFactory');
      logger.error('Error: listen EADDRINUSE', 'NestApplication');
      logger.error(new Error('cannot resolve'), undefined, 'ExceptionHandler');
      logger.error('another one', 'Problem');
    });
    expect(text).toMatch(/^\S+ \S+ ERROR \[Problem\] another one\n$/);
  });
});
