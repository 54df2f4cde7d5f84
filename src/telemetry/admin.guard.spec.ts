import { Controller, Logger, Put, UseGuards } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AggregationModule } from '../aggregation/aggregation.module.js';
import { gatewayServerOptions } from '../aggregation/server-options.js';
import { AdminGuard, AdminToken } from './admin.guard.js';

@Controller('switch')
@UseGuards(AdminGuard)
class SwitchController {
  @Put(':name')
  turn() {
    return { turned: true };
  }
}

const TOKEN = '0123456789abcdef';

let app: NestFastifyApplication | undefined;
let warn: jest.SpyInstance;

async function started(token: string | null): Promise<NestFastifyApplication> {
  const module = await Test.createTestingModule({
    imports: [AggregationModule],
    controllers: [SwitchController],
    providers: [{ provide: AdminToken, useValue: new AdminToken(token) }],
  }).compile();
  app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(gatewayServerOptions()), {
    logger: false,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

async function put(token: string | null, authorization?: string) {
  const served = await started(token);
  const headers = authorization === undefined ? {} : { authorization };
  return served.inject({ method: 'PUT', url: '/switch/a', headers });
}

beforeEach(() => {
  warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
});

afterEach(async () => {
  await app?.close();
  jest.restoreAllMocks();
});

describe('the admin guard', () => {
  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('lets %s through', async (authorization) => {
    const { statusCode } = await put(TOKEN, authorization);
    expect(statusCode).toBe(200);
    expect(warn).not.toHaveBeenCalled();
  });

  it.each([undefined, 'Bearer 0123456789abcdeF', `Basic ${TOKEN}`, TOKEN, 'Bearer ', `Bearer ${TOKEN}0`])(
    'refuses %s, says what it takes, and logs who it was without what was given',
    async (authorization) => {
      const answer = await put(TOKEN, authorization);
      expect(answer.statusCode).toBe(401);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="tributary"');
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(warn.mock.calls).toEqual([['PUT /switch/:name from 127.0.0.1 refused: no admin token']]);
    },
  );

  it('refuses everybody where no token is set', async () => {
    const { statusCode, body } = await put(null, 'Bearer null');
    expect(statusCode).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ detail: 'Nobody may: server.adminToken is not set.' });
  });
});
