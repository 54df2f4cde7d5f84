import { Module } from '@nestjs/common';
import { UpstreamModule } from '../../index.js';
import { ReviewsClient } from './reviews.client.js';

@Module({
  imports: [UpstreamModule.register({ name: 'reviews', client: ReviewsClient })],
  exports: [UpstreamModule],
})
export class ReviewsModule {}
