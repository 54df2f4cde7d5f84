import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { OrdersClient } from './orders.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'orders', client: OrdersClient })],
  exports: [UpstreamModule],
})
export class OrdersModule {}
