import { Module } from '@nestjs/common';
import { CatalogModule } from './catalog/catalog.module.js';
import { CustomerOverviewController } from './customer-overview.controller.js';
import { CustomersModule } from './customers/customers.module.js';
import { InventoryModule } from './inventory/inventory.module.js';
import { OffersModule } from './offers/offers.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { ProductPageController } from './product-page.controller.js';
import { ReviewsModule } from './reviews/reviews.module.js';

/** The reference gateway: six services, two screens. */
@Module({
  imports: [CustomersModule, OrdersModule, CatalogModule, InventoryModule, ReviewsModule, OffersModule],
  controllers: [CustomerOverviewController, ProductPageController],
})
export class StorefrontModule {}
