import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Product, productSchema } from './product.js';

const products = productSchema.array();

@Injectable()
export class CatalogClient extends UpstreamClient {
  bySku(sku: string): Observable<Product> {
    return this.get('/products/{sku}', { params: { sku }, schema: productSchema });
  }

  /** All of these products in one call; at least one. */
  bySkus(skus: readonly string[]): Observable<Product[]> {
    return this.get('/products{?skus}', { params: { skus }, schema: products });
  }
}
