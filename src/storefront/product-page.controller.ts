import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Observable } from 'rxjs';
import { z } from 'zod';
import { aggregate, ApiComposite, optional, required } from '../index.js';
import { CatalogClient } from './catalog/catalog.client.js';
import { productSchema, sku as skuSchema } from './catalog/product.js';
import { InventoryClient } from './inventory/inventory.client.js';
import { stockSchema } from './inventory/stock.js';
import { offerSchema } from './offers/offer.js';
import { OffersClient } from './offers/offers.client.js';
import { reviewSchema } from './reviews/review.js';
import { ReviewsClient } from './reviews/reviews.client.js';

const pageSchema = z.object({
  product: productSchema,
  inventory: stockSchema.nullable().describe('Null when it could not be had'),
  reviews: reviewSchema.array().describe('The latest reviews; empty when they could not be had'),
  offers: offerSchema.array().describe('Offers on this product; empty when they could not be had'),
});

type ProductPage = Readonly<z.infer<typeof pageSchema>>;

@ApiTags('storefront')
@Controller('products')
export class ProductPageController {
  constructor(
    private readonly catalog: CatalogClient,
    private readonly inventory: InventoryClient,
    private readonly reviews: ReviewsClient,
    private readonly offers: OffersClient,
  ) {}

  @Get(':sku/page')
  @ApiOperation({ summary: 'A product, with its stock, its reviews and the offers on it' })
  @ApiComposite({ schema: pageSchema, description: 'The product, and whatever else could be had in time' })
  page(@Param('sku', { schema: skuSchema }) sku: string): Observable<ProductPage> {
    return aggregate(
      {
        product: required(this.catalog.bySku(sku)),
        inventory: optional(this.inventory.of(sku)),
        reviews: optional(this.reviews.of(sku), { fallback: [] }),
        offers: optional(this.offers.on(sku), { fallback: [] }),
      },
      { name: 'product-page' },
    );
  }
}
