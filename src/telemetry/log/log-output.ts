import { type Clock, systemClock, type Timer } from '../../resilience/clock.js';

/** Lines wait so long for others to be written with, in ms: a write costs as much as making several lines. */
const GATHERING_MS = 10;
/** So much is written at once without waiting, in characters. */
const BATCH_CHARACTERS = 64 * 1024;
/** So much is held for a reader that is slow, in characters; beyond it, lines are dropped. */
const MAX_HELD_CHARACTERS = 1024 * 1024;
/** How soon what cannot be written to is tried again, in ms. */
const RETRY_MS = 1_000;

/** What the log is written to, such as stdout. */
export interface LogStream {
  readonly isTTY?: boolean;
  /** @param done called once the reader has it, or never will. */
  write(text: string, done: (error?: Error | null) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
}

export interface LogOutputStatistics {
  /** Lines that were handed over. */
  readonly written: number;
  /** Lines nobody will see. */
  readonly dropped: number;
}

/**
 * Writes lines to a stream, and never waits for whoever reads it: what a slow reader has not taken is held up to a bound,
 * further lines are dropped, and once it reads again a line says how many. A stream that fails (its reader has gone, the
 * disk is full) is tried again each second.
 */
export class LogOutput {
  private held = '';
  private heldLines = 0;
  private isWriting = false;
  private timer: Timer;
  private written = 0;
  private dropped = 0;
  /** Dropped since it was last said. */
  private unsaid = 0;
  private retryAt = -Infinity;
  private readonly whenIdle: (() => void)[] = [];

  /** @param noticeOf makes the line that says how many were dropped. */
  constructor(
    private readonly stream: LogStream,
    private readonly noticeOf: (dropped: number) => string,
    private readonly clock: Clock = systemClock,
  ) {
    // Without a listener it would end the process. Each write hears of it as well.
    stream.on('error', () => undefined);
  }

  get statistics(): LogOutputStatistics {
    return { written: this.written, dropped: this.dropped };
  }

  /** @param line with its line end. */
  write(line: string): void {
    if (this.held.length + line.length > MAX_HELD_CHARACTERS) {
      this.drop(1);
      return;
    }
    this.held += line;
    this.heldLines++;
    if (this.isWriting) return;
    if (this.held.length >= BATCH_CHARACTERS) this.flush();
    else this.timer ??= this.clock.setTimeout(flush, GATHERING_MS, this);
  }

  /** Hands over what is held, unless the reader has not even taken what it was given before. */
  flush(): void {
    this.clock.clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isWriting || (this.heldLines === 0 && this.unsaid === 0)) return;
    if (this.clock.now() < this.retryAt) {
      this.timer = this.clock.setTimeout(flush, this.retryAt - this.clock.now(), this);
      return;
    }
    const { held, heldLines, unsaid } = this;
    this.held = '';
    this.heldLines = 0;
    this.unsaid = 0;
    this.isWriting = true;
    const batch = unsaid === 0 ? held : held + this.noticeOf(unsaid);
    const done = (error?: Error | null): void => {
      this.ended(error === undefined || error === null, heldLines, unsaid);
    };
    try {
      this.stream.write(batch, done);
    } catch {
      this.ended(false, heldLines, unsaid);
    }
  }

  /** Resolves once everything is written, or after `withinMs`. */
  drained(withinMs: number): Promise<void> {
    this.flush();
    if (!this.isWriting && this.heldLines === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimeout(resolve, withinMs, undefined);
      this.whenIdle.push(() => {
        this.clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  private ended(isWritten: boolean, lines: number, unsaid: number): void {
    if (!this.isWriting) return;
    this.isWriting = false;
    if (isWritten) {
      this.written += lines;
    } else {
      this.drop(lines);
      this.unsaid += unsaid;
      this.retryAt = this.clock.now() + RETRY_MS;
    }
    if (this.heldLines > 0 || this.unsaid > 0) this.flush();
    else for (const idle of this.whenIdle.splice(0)) idle();
  }

  private drop(lines: number): void {
    this.dropped += lines;
    this.unsaid += lines;
  }
}

function flush(output: LogOutput): void {
  output.flush();
}
