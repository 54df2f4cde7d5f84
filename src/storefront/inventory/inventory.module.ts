import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { InventoryClient } from './inventory.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'inventory', client: InventoryClient })],
  exports: [UpstreamModule],
})
export class InventoryModule {}
