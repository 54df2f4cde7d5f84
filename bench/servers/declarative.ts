import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  AggregationModule,
  CompositeModule,
  gatewayServerOptions,
  parseGateway,
  UpstreamModule,
} from '../../src/index.js';
import { HealthModule } from '../../src/health/health.module.js';
import { attend } from '../attend.js';
import { listenOnLoopback } from '../nest-port.js';
import { OVERVIEW_GATEWAY } from './overview-gateway.js';

/**
 * (e): the composite of (a) without a line of code: the same policies, the same checks of what comes in and of what
 * the upstreams answer, as JSON Schema.
 */
const definition = parseGateway(OVERVIEW_GATEWAY);

@Module({
  imports: [
    UpstreamModule.forRoot({ config: definition.config }),
    AggregationModule,
    HealthModule,
    CompositeModule.forRoot(definition.composites),
  ],
})
class BenchModule {}

const adapter = new FastifyAdapter(gatewayServerOptions());
const app = await NestFactory.create<NestFastifyApplication>(BenchModule, adapter, { logger: false });
attend([await listenOnLoopback(app)]);
