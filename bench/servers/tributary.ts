import 'reflect-metadata';
import { Controller, Get, Injectable, Module, Param, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE, NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Observable } from 'rxjs';
import { z } from 'zod';
import {
  aggregate,
  AggregationModule,
  gatewayServerOptions,
  optional,
  parseGatewayConfig,
  required,
  UpstreamClient,
  UpstreamModule,
} from '../../src/index.js';
import { HealthModule } from '../../src/health/health.module.js';
import { attend } from '../attend.js';
import { listenOnLoopback } from '../nest-port.js';

/**
 * (a): the same composite as a team would write it with this library, from its public API. All policies are on, with
 * their defaults; inputs and answers have schemas; health listens to every event, as in the gateway itself.
 */
const config = parseGatewayConfig(`
server: { host: 127.0.0.1, port: 0, managementPort: 0 }
upstreams:
  customers: { url: '\${CUSTOMERS_URL}', critical: true }
  orders: { url: '\${ORDERS_URL}' }
  offers: { url: '\${OFFERS_URL}' }
`);

const customerId = z.string().regex(/^c-\d{1,9}$/, 'must look like c-42');

const customerSchema = z.object({
  id: customerId,
  name: z.string(),
  email: z.string(),
  tier: z.enum(['bronze', 'silver', 'gold', 'platinum']),
  city: z.string(),
  country: z.string(),
  memberSince: z.string(),
  addresses: z.array(
    z.object({ kind: z.string(), street: z.string(), postcode: z.string(), city: z.string() }),
  ),
  newsletter: z.boolean(),
});

const ordersSchema = z.array(
  z.object({
    id: z.string(),
    placedAt: z.string(),
    status: z.string(),
    currency: z.string(),
    lines: z.array(z.object({ sku: z.string(), quantity: z.int(), unitPriceCents: z.int() })),
    totalCents: z.int(),
  }),
);

const offersSchema = z.array(
  z.object({
    id: z.string(),
    title: z.string(),
    discountPercent: z.number(),
    skus: z.array(z.string()),
    validUntil: z.string(),
  }),
);

@Injectable()
class CustomersClient extends UpstreamClient {
  byId(id: string): Observable<z.infer<typeof customerSchema>> {
    return this.get('/customers/{id}', { params: { id }, schema: customerSchema });
  }
}

@Injectable()
class OrdersClient extends UpstreamClient {
  placedBy(customerId: string): Observable<z.infer<typeof ordersSchema>> {
    return this.get('/orders{?customerId}', { params: { customerId }, schema: ordersSchema });
  }
}

@Injectable()
class OffersClient extends UpstreamClient {
  for(customerId: string): Observable<z.infer<typeof offersSchema>> {
    return this.get('/offers{?customerId}', { params: { customerId }, schema: offersSchema });
  }
}

@Module({
  imports: [UpstreamModule.register({ name: 'customers', client: CustomersClient })],
  exports: [UpstreamModule],
})
class CustomersModule {}

@Module({
  imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
  exports: [UpstreamModule],
})
class OrdersModule {}

@Module({
  imports: [UpstreamModule.register({ name: 'offers', client: OffersClient })],
  exports: [UpstreamModule],
})
class OffersModule {}

@Controller('customers')
class OverviewController {
  constructor(
    private readonly customers: CustomersClient,
    private readonly orders: OrdersClient,
    private readonly offers: OffersClient,
  ) {}

  @Get(':id/overview')
  overview(@Param('id', { schema: customerId }) id: string): Observable<object> {
    return aggregate({
      customer: required(this.customers.byId(id)),
      orders: optional(this.orders.placedBy(id), { fallback: [] }),
      offers: optional(this.offers.for(id), { fallback: [] }),
    });
  }
}

@Module({
  imports: [
    UpstreamModule.forRoot({ config }),
    AggregationModule,
    HealthModule,
    CustomersModule,
    OrdersModule,
    OffersModule,
  ],
  controllers: [OverviewController],
  providers: [{ provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
})
class BenchModule {}

const adapter = new FastifyAdapter(gatewayServerOptions());
const app = await NestFactory.create<NestFastifyApplication>(BenchModule, adapter, { logger: false });
attend([await listenOnLoopback(app)]);
