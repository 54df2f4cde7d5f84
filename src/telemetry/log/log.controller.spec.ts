import { Logger } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AggregationModule } from '../../aggregation/aggregation.module.js';
import { gatewayServerOptions } from '../../aggregation/server-options.js';
import { AdminToken } from '../admin.guard.js';
import { LogManagementModule } from './log-management.module.js';
import { keptLogger } from './testing/kept-stream.js';

const TOKEN = '0123456789abcdef';

let kept: ReturnType<typeof keptLogger>;
let app: NestFastifyApplication;

beforeEach(async () => {
  kept = keptLogger();
  const { levels, output } = kept.logger;
  levels.announce('Request', 'Upstream', 'Audit');
  const module = await Test.createTestingModule({
    imports: [
      AggregationModule,
      LogManagementModule.sharing({ levels, output, token: new AdminToken(TOKEN) }),
    ],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(gatewayServerOptions()), {
    logger: false,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  Logger.overrideLogger(kept.logger);
});

afterEach(async () => {
  kept.logger.levels.stop();
  Logger.overrideLogger(false);
  await app.close();
});

async function ask(
  method: 'GET' | 'PUT' | 'DELETE',
  url: string,
  payload?: object | string,
  token = TOKEN,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.statusCode, body: answer.json() };
}

const audit = (): readonly string[] => kept.written().match(/(?<=\[Audit\] ).*/g) ?? [];

describe('/log', () => {
  it('says what is logged, to anybody who is let onto the port', async () => {
    const { status, body } = await ask('GET', '/log', undefined, 'none');
    expect(status).toBe(200);
    expect(body).toEqual({
      level: 'info',
      isSet: false,
      configured: 'info',
      levels: ['debug', 'info', 'warn', 'error', 'off'],
      contexts: {
        Audit: { level: 'debug', isSet: false },
        Request: { level: 'info', isSet: false },
        Upstream: { level: 'info', isSet: false },
      },
      lines: { written: 0, dropped: 0 },
    });
  });

  it('sets the level of all, until that is taken back, and says who did', async () => {
    const { status, body } = await ask('PUT', '/log', { level: 'warn' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      level: 'warn',
      isSet: true,
      configured: 'info',
      contexts: { Request: { level: 'warn' } },
    });
    expect(kept.logger.levels.isEnabled('Request', 'info')).toBe(false);
    expect((await ask('DELETE', '/log')).body).toMatchObject({ level: 'info', isSet: false });
    expect(audit()).toEqual([
      'PUT /log from 127.0.0.1: the level of all is warn',
      'DELETE /log from 127.0.0.1: the level of all is info again',
    ]);
  });

  it('sets the level of one context, for a while', async () => {
    const { body } = await ask('PUT', '/log/Upstream', { level: 'debug', for: '10m' });
    expect(body).toMatchObject({ level: 'info', isSet: false });
    const { Upstream, Request } = body['contexts'] as Record<string, Record<string, unknown>>;
    expect(Upstream).toMatchObject({ level: 'debug', isSet: true });
    expect(Date.parse(String(Upstream!['until'])) - Date.now()).toBeGreaterThan(590_000);
    expect(Request).toMatchObject({ level: 'info', isSet: false });
    expect((await ask('DELETE', '/log/Upstream')).body).toMatchObject({
      contexts: { Upstream: { level: 'info' } },
    });
    expect(audit()).toEqual([
      'PUT /log/:context from 127.0.0.1: the level of Upstream is debug for 600 s',
      'DELETE /log/:context from 127.0.0.1: the level of Upstream is info again',
    ]);
  });

  it.each([
    ['PUT', '/log', { level: 'debug' }],
    ['PUT', '/log/Upstream', { level: 'debug' }],
    ['DELETE', '/log', undefined],
    ['DELETE', '/log/Upstream', undefined],
  ] as const)('takes the admin token for %s %s', async (method, url, payload) => {
    expect((await ask(method, url, payload, 'wrong')).status).toBe(401);
    expect(kept.logger.levels.of('Upstream')).toBe('info');
  });

  it.each([
    [{ level: 'debgu' }, '/level', /one of debug, info, warn, error, off; did you mean debug\?$/],
    [{ level: 7 }, '/level', /one of debug, info, warn, error, off$/],
    [{}, '/level', /one of debug/],
    [{ level: 'debug', for: 'ever' }, '/for', /a duration from 1000 ms to 24 h/],
    [{ level: 'debug', fro: '1m' }, '', /unknown key; did you mean for\?/],
    [['debug'], '', /must be \{"level": \.\.\.\}/],
  ])('says what is wrong with %j, and changes nothing', async (payload, name, detail) => {
    const { status, body } = await ask('PUT', '/log', payload);
    expect(status).toBe(400);
    expect(body['errors']).toEqual([{ in: 'body', name, detail: expect.stringMatching(detail) as string }]);
    expect(kept.logger.levels.ofAll).toBe('info');
    expect(audit()).toEqual([]);
  });

  it('names the context that was meant, or those that there are', async () => {
    const near = await ask('PUT', '/log/Reqeust', { level: 'debug' });
    expect(near.status).toBe(404);
    expect(near.body['detail']).toBe('Nothing has been logged under this name so far. Did you mean Request?');
    const far = await ask('DELETE', '/log/xyz');
    expect(far.body['detail']).toContain('There are Audit, Request, Upstream.');
  });

  it('lets nobody work unseen', async () => {
    const { status, body } = await ask('PUT', '/log/Audit', { level: 'off' });
    expect(status).toBe(409);
    expect(body['detail']).toBe('What operators do is always logged.');
    await ask('PUT', '/log', { level: 'off' });
    expect(audit()).toEqual(['PUT /log from 127.0.0.1: the level of all is off']);
  });
});
