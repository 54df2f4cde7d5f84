import { readFile } from 'node:fs/promises';

export interface FileWatchOptions {
  readonly file: string;
  /** Time between two looks, in ms. */
  readonly intervalMs: number;
  /** The text that is no news: what was last made of the file. Undefined where it could not be read. */
  readonly known: () => string | undefined;
  /** The file holds another text, and has for two looks; or it is gone. Looking goes on when it has ended. */
  readonly onChange: () => Promise<unknown>;
}

/** How soon a changed file is looked at again, in ms: whoever writes it may not have finished. */
const SETTLING_MS = 100;

/**
 * Notices when a file holds another text. It reads the file from time to time: editors put a new file in the place of
 * the old one, Kubernetes turns a link two folders up, and network volumes tell nobody; the text is what counts, however
 * it got there.
 */
export class FileWatch {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: FileWatchOptions) {}

  start(): void {
    this.wait(this.options.intervalMs, undefined);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private wait(ms: number, changed: Changed | undefined): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.look(changed), ms).unref();
  }

  /** @param changed what the look before this one found, if it was news. */
  private async look(changed: Changed | undefined): Promise<void> {
    const { file, intervalMs, known, onChange } = this.options;
    const text = await textOf(file);
    if (this.stopped) return;
    if (text === known()) this.wait(intervalMs, undefined);
    else if (changed === undefined || text !== changed.text)
      this.wait(Math.min(SETTLING_MS, intervalMs), { text });
    else {
      await onChange();
      this.wait(intervalMs, undefined);
    }
  }
}

interface Changed {
  readonly text: string | undefined;
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch {
    return undefined;
  }
}
