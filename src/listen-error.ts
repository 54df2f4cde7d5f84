/** Where one side of the gateway was to listen. */
export interface ListenPlace {
  readonly side: 'api' | 'management';
  readonly port: number;
  readonly host: string;
}

/** What is wrong with it: the port, or the host. */
type Culprit = 'port' | 'host';

/** The gateway cannot listen where it is to; the message says what is wrong with the port or the host. */
export class ListenError extends Error {
  override readonly name = 'ListenError';

  private constructor(
    readonly side: ListenPlace['side'],
    readonly culprit: Culprit,
    message: string,
    cause: unknown,
  ) {
    super(message, { cause });
  }

  /** Undefined for an error that says something else. */
  static from(error: unknown, { side, port, host }: ListenPlace): ListenError | undefined {
    const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
    switch (code) {
      case 'EADDRINUSE':
        return new ListenError(side, 'port', `port ${port} is in use`, error);
      case 'EACCES':
        return new ListenError(side, 'port', `port ${port} may not be used by this user`, error);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        return new ListenError(side, 'host', `'${host}' is no address of this machine`, error);
      default:
        return undefined;
    }
  }

  /** The setting to change, as it is called in the file below `server`. */
  get setting(): 'port' | 'host' | 'managementPort' | 'managementHost' {
    if (this.side === 'api') return this.culprit;
    return this.culprit === 'port' ? 'managementPort' : 'managementHost';
  }
}
