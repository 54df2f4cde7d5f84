import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { OffersClient } from './offers.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'offers', client: OffersClient })],
  exports: [UpstreamModule],
})
export class OffersModule {}
