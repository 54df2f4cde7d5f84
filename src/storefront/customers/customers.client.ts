import { Injectable } from '@nestjs/common';
import { type Observable } from 'rxjs';
import { UpstreamClient } from '../../index.js';
import { type Customer, customerSchema } from './customer.js';

@Injectable()
export class CustomersClient extends UpstreamClient {
  byId(id: string): Observable<Customer> {
    return this.get('/customers/{id}', { params: { id }, schema: customerSchema });
  }
}
