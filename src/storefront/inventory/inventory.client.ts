import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Stock, stockSchema } from './stock.js';

@Injectable()
export class InventoryClient extends UpstreamClient {
  of(sku: string): Observable<Stock> {
    return this.get('/inventory/{sku}', { params: { sku }, schema: stockSchema });
  }
}
