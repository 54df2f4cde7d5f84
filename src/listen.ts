import { type INestApplication } from '@nestjs/common';
import { ListenError, type ListenPlace } from './listen-error.js';

/** @throws ListenError if it cannot listen there. */
export async function listen(app: INestApplication, place: ListenPlace): Promise<void> {
  try {
    await app.listen(place.port, place.host);
  } catch (error) {
    throw ListenError.from(error, place) ?? error;
  }
}
