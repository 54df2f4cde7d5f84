import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { CustomersClient } from './customers.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'customers', client: CustomersClient })],
  exports: [UpstreamModule],
})
export class CustomersModule {}
