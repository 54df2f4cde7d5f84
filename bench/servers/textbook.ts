import 'reflect-metadata';
import { HttpModule, HttpService } from '@nestjs/axios';
import { BadGatewayException, Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { catchError, forkJoin, map, type Observable, of, retry, timeout } from 'rxjs';
import { attend } from '../attend.js';
import { listenOnLoopback } from '../nest-port.js';
import { partUrls } from '../overview.js';

/**
 * (c): the textbook recipe: Nest on Express, the HttpService of @nestjs/axios as its documentation registers it,
 * forkJoin, RxJS retry and timeout. Connections are kept alive by Node's own default agent, which is the stock setup
 * since Node 19; nothing was added or taken away.
 */
const urls = partUrls();

@Controller('customers')
class OverviewController {
  constructor(private readonly http: HttpService) {}

  @Get(':id/overview')
  overview(@Param('id') id: string): Observable<object> {
    return forkJoin({
      customer: this.get(`${urls.customers}/customers/${id}`).pipe(
        catchError(() => {
          throw new BadGatewayException();
        }),
      ),
      orders: this.get(`${urls.orders}/orders?customerId=${id}`).pipe(catchError(() => of([]))),
      offers: this.get(`${urls.offers}/offers?customerId=${id}`).pipe(catchError(() => of([]))),
    });
  }

  private get(url: string): Observable<unknown> {
    return this.http.get<unknown>(url).pipe(
      timeout(1_000),
      retry({ count: 2 }),
      map(({ data }) => data),
    );
  }
}

@Module({
  imports: [HttpModule.register({ timeout: 5_000, maxRedirects: 5 })],
  controllers: [OverviewController],
})
class TextbookModule {}

const app = await NestFactory.create<NestExpressApplication>(TextbookModule, { logger: false });
attend([await listenOnLoopback(app)]);
