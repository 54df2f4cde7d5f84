import { createServer, type Server } from 'node:net';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { listen } from './listen.js';
import { ListenError, type ListenPlace } from './listen-error.js';

@Module({})
class NothingModule {}

let taken: Server;
let port: number;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
  const address = taken.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => taken.close());

async function refused(place: ListenPlace): Promise<unknown> {
  const options = { logger: false, abortOnError: false } as const;
  const app = await NestFactory.create(NothingModule, new FastifyAdapter(), options);
  const error = await listen(app, place).catch((thrown: unknown) => thrown);
  await app.close();
  return error;
}

describe('a gateway that cannot listen', () => {
  it.each([
    ['api', 'port'],
    ['management', 'managementPort'],
  ] as const)('says that the port of the %s is in use, and which setting that is', async (side, setting) => {
    const error = await refused({ side, port, host: '127.0.0.1' });
    expect(error).toBeInstanceOf(ListenError);
    expect(error).toMatchObject({ setting, message: `port ${port} is in use` });
  });

  it.each([
    ['api', 'host'],
    ['management', 'managementHost'],
  ] as const)('says that the host of the %s is none of its own', async (side, setting) => {
    const error = await refused({ side, port: 0, host: '192.0.2.1' });
    expect(error).toMatchObject({ setting, message: "'192.0.2.1' is no address of this machine" });
  });

  it.each([
    ['EACCES', 'port 80 may not be used by this user'],
    ['ENOTFOUND', "'here' is no address of this machine"],
    ['EAI_AGAIN', "'here' is no address of this machine"],
  ])('says of %s: %s', (code, message) => {
    const error = Object.assign(new Error('listen'), { code });
    expect(ListenError.from(error, { side: 'api', port: 80, host: 'here' })).toMatchObject({
      message,
      cause: error,
    });
  });

  it('leaves any other error as it is', async () => {
    const error = await refused({ side: 'api', port: 70_000, host: '127.0.0.1' });
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ListenError);
  });
});
