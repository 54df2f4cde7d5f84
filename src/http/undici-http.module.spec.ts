import { HttpService } from '@nestjs/axios';
import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import { recordingServer, type RecordingServer } from './testing/recording-server.js';
import { UndiciHttpModule } from './undici-http.module.js';
import { type UndiciHttpOptions, UndiciHttpService } from './undici-http.service.js';

@Injectable()
class Users {
  constructor(@Inject(HttpService) readonly http: HttpService) {}
}

@Injectable()
class Options {
  createHttpOptions(): UndiciHttpOptions {
    return { baseURL: 'http://from-a-class' };
  }
}

describe('UndiciHttpModule', () => {
  let server: RecordingServer;

  beforeAll(async () => {
    server = await recordingServer((_request, response) => {
      response.end('{"ok":true}');
    });
  });

  afterAll(() => server.close());

  it('stands in for HttpModule, with one instance behind both tokens', async () => {
    const module = await Test.createTestingModule({
      imports: [UndiciHttpModule],
      providers: [Users],
    }).compile();
    const { http } = module.get(Users);
    expect(http).toBeInstanceOf(UndiciHttpService);
    expect(module.get(UndiciHttpService, { strict: false })).toBe(http);
    expect((await lastValueFrom(http.get(server.origin))).data).toEqual({ ok: true });
    await module.close();
  });

  it('takes axios’ options for defaults, and its own', async () => {
    const module = await Test.createTestingModule({
      imports: [
        UndiciHttpModule.register({
          baseURL: server.origin,
          headers: { 'x-a': '1' },
          pool: { connections: 1 },
        }),
      ],
      providers: [Users],
    }).compile();
    await lastValueFrom(module.get(Users).http.get('/users'));
    expect(server.seen.at(-1)).toMatchObject({ url: '/users', headers: { 'x-a': '1' } });
    await module.close();
  });

  it.each([
    [
      'useFactory',
      UndiciHttpModule.registerAsync({ useFactory: () => ({ baseURL: 'http://from-a-factory' }) }),
      'http://from-a-factory',
    ],
    ['useClass', UndiciHttpModule.registerAsync({ useClass: Options }), 'http://from-a-class'],
  ])('is registered with %s', async (_name, registered, baseURL) => {
    const module = await Test.createTestingModule({ imports: [registered], providers: [Users] }).compile();
    expect(module.get(Users).http.axiosRef.defaults.baseURL).toBe(baseURL);
    await module.close();
  });

  it('is global on request', async () => {
    @Module({ providers: [Users] })
    class UsersModule {}

    const module = await Test.createTestingModule({
      imports: [UndiciHttpModule.register({ global: true }), UsersModule],
    }).compile();
    expect(module.get(Users, { strict: false }).http).toBeInstanceOf(UndiciHttpService);
    await module.close();
  });

  it('keeps registrations apart', async () => {
    const one = await Test.createTestingModule({
      imports: [UndiciHttpModule.register({})],
      providers: [Users],
    }).compile();
    const two = await Test.createTestingModule({
      imports: [UndiciHttpModule.register({})],
      providers: [Users],
    }).compile();
    one.get(Users).http.axiosRef.defaults.headers.common['X-A'] = '1';
    expect(two.get(Users).http.axiosRef.defaults.headers.common['X-A']).toBeUndefined();
    await one.close();
    await two.close();
  });

  it('closes its pool when the application has shut down', async () => {
    const module = await Test.createTestingModule({
      imports: [UndiciHttpModule],
      providers: [Users],
    }).compile();
    const http = module.get(UndiciHttpService, { strict: false });
    const closed = jest.spyOn(http, 'close');
    await module.init();
    await module.close();
    expect(closed).toHaveBeenCalledTimes(1);
  });
});
