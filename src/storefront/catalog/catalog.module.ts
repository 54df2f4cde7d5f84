import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { CatalogClient } from './catalog.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'catalog', client: CatalogClient })],
  exports: [UpstreamModule],
})
export class CatalogModule {}
