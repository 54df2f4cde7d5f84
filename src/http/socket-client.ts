import { Client, type Dispatcher } from 'undici';
import { type ConnectionAge } from './connection-age.js';
import { Exchange, type Line } from './exchange.js';

/**
 * undici's client for one socket at a time, which tells each exchange what its socket has carried before: undici
 * itself shows a handler neither the socket nor whether it is new.
 *
 * A socket that has reached its age carries one more request, which tells the server so (`Connection: close`), and is
 * closed when that is answered: no request meets a socket that is just being closed, and the next one opens another,
 * for which the host name is resolved anew.
 */
export class SocketClient extends Client implements Line {
  written = 0;
  private endOfAge = Infinity;

  constructor(
    origin: string | URL,
    options: Client.Options,
    private readonly age?: ConnectionAge,
  ) {
    super(origin, options);
    // Told after the socket is there, and before anything is written on it.
    this.on('connect', () => {
      this.written = 0;
      this.endOfAge = this.age?.endOfNewOne() ?? Infinity;
    });
    this.on('disconnect', () => {
      this.endOfAge = Infinity;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof Exchange) handler.line = this;
    const isLast = this.age?.isOver(this.endOfAge) ?? false;
    return super.dispatch(isLast ? { ...options, reset: true } : options, handler);
  }
}
