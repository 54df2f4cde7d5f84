import { type ServerResponse } from 'node:http';

const cutByUs = new WeakSet<ServerResponse>();

/** Cuts an answer off: with an RST, or with what is left of a polite close. */
export function cutConnection(response: ServerResponse, how: 'reset' | 'close'): void {
  cutByUs.add(response);
  const { socket } = response.req;
  if (how === 'reset') socket.resetAndDestroy();
  else socket.destroy();
}

/** Whether it was the service that cut the answer off, and not its caller who went away. */
export function wasCutByUs(response: ServerResponse): boolean {
  return cutByUs.has(response);
}
