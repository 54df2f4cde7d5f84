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

/**
 * (e): the composite of (a) without a line of code: the same policies, the same checks of what comes in and of what
 * the upstreams answer, as JSON Schema.
 */
const definition = parseGateway(`
server: { host: 127.0.0.1, port: 0, managementPort: 0 }
upstreams:
  customers: { url: '\${CUSTOMERS_URL}', critical: true }
  orders: { url: '\${ORDERS_URL}' }
  offers: { url: '\${OFFERS_URL}' }
composites:
  overview:
    get: /customers/{id}/overview
    params: { id: { pattern: '^c-\\d{1,9}$' } }
    parts:
      customer:
        upstream: customers
        get: /customers/{id}
        required: true
        schema:
          type: object
          required: [id, name, email, tier, city, country, memberSince, addresses, newsletter]
          properties:
            id: { type: string, pattern: '^c-\\d{1,9}$' }
            name: { type: string }
            email: { type: string }
            tier: { enum: [bronze, silver, gold, platinum] }
            city: { type: string }
            country: { type: string }
            memberSince: { type: string }
            addresses:
              type: array
              items:
                type: object
                required: [kind, street, postcode, city]
                properties:
                  kind: { type: string }
                  street: { type: string }
                  postcode: { type: string }
                  city: { type: string }
            newsletter: { type: boolean }
      orders:
        upstream: orders
        get: /orders{?customerId}
        values: { customerId: params.id }
        fallback: []
        schema:
          type: array
          items:
            type: object
            required: [id, placedAt, status, currency, lines, totalCents]
            properties:
              id: { type: string }
              placedAt: { type: string }
              status: { type: string }
              currency: { type: string }
              lines:
                type: array
                items:
                  type: object
                  required: [sku, quantity, unitPriceCents]
                  properties:
                    sku: { type: string }
                    quantity: { type: integer }
                    unitPriceCents: { type: integer }
              totalCents: { type: integer }
      offers:
        upstream: offers
        get: /offers{?customerId}
        values: { customerId: params.id }
        fallback: []
        schema:
          type: array
          items:
            type: object
            required: [id, title, discountPercent, skus, validUntil]
            properties:
              id: { type: string }
              title: { type: string }
              discountPercent: { type: number }
              skus: { type: array, items: { type: string } }
              validUntil: { type: string }
`);

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
