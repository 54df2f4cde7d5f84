import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Order, orderSchema } from './order.js';

/** How many orders one screen shows. */
const LATEST = 20;

const orders = orderSchema.array();

@Injectable()
export class OrdersClient extends UpstreamClient {
  /** The customer's latest orders, newest first. */
  placedBy(customerId: string): Observable<Order[]> {
    return this.get('/orders{?customerId,limit}', { params: { customerId, limit: LATEST }, schema: orders });
  }
}
