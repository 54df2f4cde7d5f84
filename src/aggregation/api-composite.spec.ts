import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { ApiComposite, ApiProblem } from './api-composite.js';

@Module({})
class TestModule {}

const schema = z.object({ customer: z.object({ id: z.string() }), orders: z.array(z.number()) });

@Controller()
@ApiProblem(418, 'Short and stout')
class TestController {
  @Get('overview')
  @ApiComposite({ schema, description: 'The customer' })
  overview(): void {}

  @Get('status')
  @ApiComposite({ schema, description: 'The status', notFound: false })
  status(): void {}

  @Get('any')
  @ApiComposite({ schema: z.record(z.string(), z.number()), description: 'Anything' })
  any(): void {}
}

interface Response {
  readonly description: string;
  readonly headers: Readonly<Record<string, { readonly description: string; readonly schema: object }>>;
  readonly content: Readonly<Record<string, { readonly schema: z.core.JSONSchema.JSONSchema }>>;
}

let document: OpenAPIObject;

beforeAll(async () => {
  const module = { module: TestModule, controllers: [TestController] };
  const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false });
  document = SwaggerModule.createDocument(app, new DocumentBuilder().setOpenAPIVersion('3.0.3').build());
  await app.close();
});

function responsesOf(path: string): Readonly<Record<string, Response>> {
  return document.paths[path]?.get?.responses as unknown as Readonly<Record<string, Response>>;
}

describe('the document of a composite', () => {
  it('has its body', () => {
    const ok = responsesOf('/overview')[200]!;
    expect(ok.description).toBe('The customer');
    expect(ok.content['application/json']?.schema).toMatchObject({
      type: 'object',
      properties: {
        customer: { type: 'object', properties: { id: { type: 'string' } } },
        orders: { type: 'array', items: { type: 'number' } },
      },
      required: ['customer', 'orders'],
    });
  });

  it('has the headers of a partial response', () => {
    const { headers } = responsesOf('/overview')[200]!;
    expect(Object.keys(headers)).toEqual([
      'Composite-Complete',
      'Composite-Parts',
      'Server-Timing',
      'Preference-Applied',
      'Cache-Control',
      'ETag',
      'Vary',
      'X-Request-Id',
    ]);
    for (const header of Object.values(headers)) {
      expect(header.description).not.toBe('');
      expect(header.schema).toEqual({ type: 'string' });
    }
  });

  it('has every problem a composite may end in, with its media type and its headers', () => {
    const responses = responsesOf('/overview');
    expect(Object.keys(responses)).toEqual(['200', '304', '400', '404', '418', '502', '503', '504']);
    for (const status of [400, 404, 418, 502, 503, 504]) {
      const { content, headers } = responses[status]!;
      expect(Object.keys(content)).toEqual(['application/problem+json']);
      expect(headers).toHaveProperty('X-Request-Id');
    }
    for (const status of [502, 503, 504])
      expect(responses[status]!.headers).toHaveProperty('Composite-Parts');
    expect(responses[503]!.headers['Retry-After']).toMatchObject({ schema: { type: 'integer' } });
  });

  it('has no 404 where nothing can be missing', () => {
    expect(Object.keys(responsesOf('/status'))).not.toContain('404');
  });

  it('has what the client may prefer', () => {
    expect(document.paths['/overview']?.get?.parameters).toEqual([
      {
        name: 'Prefer',
        in: 'header',
        required: false,
        schema: { type: 'string' },
        description: expect.stringContaining('handling=strict') as string,
      },
    ]);
  });

  it('has the shape of a problem document', () => {
    const problem = responsesOf('/overview')[502]?.content['application/problem+json']?.schema;
    expect(problem).toMatchObject({ type: 'object', required: ['type', 'title', 'status', 'requestId'] });
    expect(Object.keys(problem?.properties ?? {})).toEqual([
      'type',
      'title',
      'status',
      'detail',
      'part',
      'reason',
      'requestId',
      '_composite',
    ]);
  });

  it('has the report where it may stand in a body', () => {
    for (const status of [200, 404, 502, 503, 504]) {
      const [body] = Object.values(responsesOf('/overview')[status]!.content);
      expect(body?.schema.properties).toHaveProperty('_composite.properties.parts');
      expect(body?.schema.required).not.toContain('_composite');
    }
  });

  it('has a body without fixed keys as it is', () => {
    expect(responsesOf('/any')[200]!.content['application/json']?.schema).toMatchObject({ type: 'object' });
  });
});
