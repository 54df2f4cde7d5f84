import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { of } from 'rxjs';
import { aggregate } from './aggregate.js';
import { AggregationModule } from './aggregation.module.js';
import { required } from './part.js';
import { gatewayServerOptions } from './server-options.js';

@Controller('things')
class ThingsController {
  @Get()
  things(): unknown {
    return aggregate({ thing: required(of('thing')) });
  }
}

@Module({})
class TestModule {}

describe('AggregationModule', () => {
  it('works in an application made by the testing module, which gets its server after its providers', async () => {
    const module = await Test.createTestingModule({
      imports: [AggregationModule],
      controllers: [ThingsController],
    }).compile();
    const app = module.createNestApplication<NestFastifyApplication>(
      new FastifyAdapter(gatewayServerOptions()),
      { logger: false },
    );
    await app.init();
    const answer = await app.inject({ method: 'GET', url: '/things' });
    expect(answer.json()).toEqual({ thing: 'thing' });
    expect(answer.headers).toMatchObject({ 'composite-complete': '?1' });
    const wrong = await app.inject({ method: 'PUT', url: '/things' });
    expect(wrong.statusCode).toBe(405);
    expect(wrong.headers.allow).toBe('GET, HEAD');
    await app.close();
  });

  it('does no harm in a context without a server', async () => {
    const context = await NestFactory.createApplicationContext(AggregationModule, { logger: false });
    await context.close();
  });

  it('says so where the server is not Fastify', async () => {
    const create = NestFactory.create(AggregationModule, { logger: false, abortOnError: false });
    await expect(create).rejects.toThrow(
      'AggregationModule needs an application on Fastify, and this one is on express',
    );
  });

  it('knows the verbs of routes that were there before Nest’s own, such as those of the API’s documentation', async () => {
    const adapter = new FastifyAdapter(gatewayServerOptions());
    const app = await NestFactory.create<NestFastifyApplication>(AggregationModule, adapter, {
      logger: false,
    });
    adapter.get('/docs', (_request: unknown, reply: { send: (body: object) => void }) => {
      reply.send({});
    });
    await app.init();
    const { statusCode, headers } = await app.inject({ method: 'POST', url: '/docs' });
    expect(statusCode).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
    await app.close();
  });

  it('takes two paths for one exactly where the server does', async () => {
    const adapter = new FastifyAdapter({
      ...gatewayServerOptions(),
      routerOptions: { caseSensitive: false },
    });
    const module = { module: TestModule, imports: [AggregationModule], controllers: [ThingsController] };
    const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false });
    await app.init();
    const statusOf = async (url: string): Promise<number> =>
      (await app.inject({ method: 'PUT', url })).statusCode;
    expect([await statusOf('/THINGS'), await statusOf('/things/')]).toEqual([405, 404]);
    await app.close();
  });
});
