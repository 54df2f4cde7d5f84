import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Review, reviewSchema } from './review.js';

/** How many reviews one screen shows. */
const LATEST = 10;

const reviews = reviewSchema.array();

@Injectable()
export class ReviewsClient extends UpstreamClient {
  of(sku: string): Observable<Review[]> {
    return this.get('/reviews{?sku,limit}', { params: { sku, limit: LATEST }, schema: reviews });
  }
}
