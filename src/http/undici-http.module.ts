import { HttpService } from '@nestjs/axios';
import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { createUndiciHttpService, type UndiciHttpOptions, UndiciHttpService } from './undici-http.service.js';

/** Makes options for `UndiciHttpModule.registerAsync({ useClass })`, as HttpModule's does. */
export interface UndiciHttpOptionsFactory {
  createHttpOptions(): UndiciHttpOptions | Promise<UndiciHttpOptions>;
}

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<UndiciHttpOptions>({
  moduleName: 'UndiciHttp',
})
  .setFactoryMethodName('createHttpOptions')
  .setExtras({ global: false }, (definition, { global }) => ({ ...definition, global }))
  .build();

/**
 * HttpModule of @nestjs/axios with UndiciHttpService behind the HttpService token. Import it as it is, or
 * with `register()` / `registerAsync()` and options; every registration has a pool of its own, closed when
 * the application has shut down.
 */
@Module({
  providers: [
    {
      provide: UndiciHttpService,
      useFactory: (options?: UndiciHttpOptions) => createUndiciHttpService(options),
      inject: [{ token: MODULE_OPTIONS_TOKEN, optional: true }],
    },
    { provide: HttpService, useExisting: UndiciHttpService },
  ],
  exports: [HttpService, UndiciHttpService],
})
export class UndiciHttpModule extends ConfigurableModuleClass {}
