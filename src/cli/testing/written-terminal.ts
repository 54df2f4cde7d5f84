import { type Terminal } from '../terminal.js';

/** A terminal that remembers what was written. */
export class WrittenTerminal implements Terminal {
  stdout = '';
  stderr = '';
  readonly columns = 80;

  constructor(
    readonly env: Readonly<Record<string, string | undefined>> = {},
    private readonly stdin = '',
  ) {}

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }

  input(): Promise<string> {
    return Promise.resolve(this.stdin);
  }
}
