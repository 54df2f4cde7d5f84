import { GatewayLogger } from '../gateway-logger.js';
import { type LogStream } from '../log-output.js';

type Done = (error?: Error | null) => void;

/** Takes the place of stdout, and keeps what is written to it; its reader may be slow, or gone. */
export class KeptStream implements LogStream {
  readonly isTTY: boolean;
  text = '';
  /** Whether the reader takes nothing for now. */
  isStuck = false;
  /** What each write ends with. */
  error: Error | null = null;
  private waiting: Done | undefined;

  constructor({ isTTY = false } = {}) {
    this.isTTY = isTTY;
  }

  write(text: string, done: Done): void {
    if (this.error === null) this.text += text;
    if (this.isStuck) this.waiting = done;
    else done(this.error);
  }

  on(): void {
    // What it would say, each write hears as well.
  }

  /** The reader takes what it was given. */
  take(): void {
    this.isStuck = false;
    this.waiting?.(this.error);
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

export interface KeptLoggerOptions {
  readonly nodeEnv?: string;
  readonly noColor?: string;
  readonly isTTY?: boolean;
}

/** A logger that writes to nobody. */
export function keptLogger({ nodeEnv, noColor, isTTY = false }: KeptLoggerOptions = {}): {
  readonly logger: GatewayLogger;
  /** What has been written by now. */
  readonly written: () => string;
} {
  const stream = new KeptStream({ isTTY });
  const logger = new GatewayLogger({ stream, nodeEnv, noColor });
  return {
    logger,
    written: () => {
      logger.output.flush();
      return stream.text;
    },
  };
}
