import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Offer, offerSchema } from './offer.js';

const offers = offerSchema.array();

@Injectable()
export class OffersClient extends UpstreamClient {
  forTier(tier: string): Observable<Offer[]> {
    return this.get('/offers{?tier}', { params: { tier }, schema: offers });
  }

  on(sku: string): Observable<Offer[]> {
    return this.get('/offers{?sku}', { params: { sku }, schema: offers });
  }
}
