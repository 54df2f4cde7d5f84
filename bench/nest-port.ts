import { type INestApplication } from '@nestjs/common';

/** Listens on a free port, and says which. */
export async function listenOnLoopback(app: INestApplication): Promise<number> {
  await app.listen(0, '127.0.0.1');
  return Number(new URL(await app.getUrl()).port);
}
