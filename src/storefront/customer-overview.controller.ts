import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Observable } from 'rxjs';
import { z } from 'zod';
import { aggregate, ApiComposite, optional, required, skipped, thenAlso } from '../index.js';
import { CatalogClient } from './catalog/catalog.client.js';
import { productSchema } from './catalog/product.js';
import { customerId, customerSchema } from './customers/customer.js';
import { CustomersClient } from './customers/customers.client.js';
import { offerSchema } from './offers/offer.js';
import { OffersClient } from './offers/offers.client.js';
import { type Order, orderSchema } from './orders/order.js';
import { OrdersClient } from './orders/orders.client.js';

const overviewSchema = z.object({
  customer: customerSchema,
  orders: orderSchema.array().describe('The latest orders, newest first; empty when they could not be had'),
  products: productSchema.array().describe('The products of those orders'),
  offers: offerSchema.array().describe('What the customer’s tier is offered; empty when it could not be had'),
});

type CustomerOverview = Readonly<z.infer<typeof overviewSchema>>;

@ApiTags('storefront')
@Controller('customers')
export class CustomerOverviewController {
  constructor(
    private readonly customers: CustomersClient,
    private readonly orders: OrdersClient,
    private readonly catalog: CatalogClient,
    private readonly offers: OffersClient,
  ) {}

  @Get(':id/overview')
  @ApiOperation({ summary: 'A customer, with their orders, the products in them, and their offers' })
  @ApiComposite({
    schema: overviewSchema,
    description: 'The customer, and whatever else could be had in time',
  })
  overview(@Param('id', { schema: customerId }) id: string): Observable<CustomerOverview> {
    return aggregate(
      {
        customer: required(this.customers.byId(id)),
        orders: optional(this.orders.placedBy(id), { fallback: [] }),
      },
      { name: 'customer-overview' },
    ).pipe(
      thenAlso(['orders'], ({ orders }) => ({ products: this.productsIn(orders) })),
      thenAlso(['customer'], ({ customer }) => ({
        offers: optional(this.offers.forTier(customer.tier), { within: 300, fallback: [] }),
      })),
    );
  }

  private productsIn(orders: readonly Order[]) {
    const skus = new Set(orders.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
    return skus.size === 0 ? skipped([]) : optional(this.catalog.bySkus([...skus]), { fallback: [] });
  }
}
