import { type ConfigurationProblem } from '../upstream/config/configuration-error.js';

/** Which configuration a gateway runs on, ready to be written as JSON. It holds places and names, and no values. */
export interface RunningConfiguration {
  /** When it was taken over, ISO 8601. */
  readonly loadedAt: string;
  /** 1 for the one the gateway was started with; one more for each that took its place. */
  readonly generation: number;
  /** The last one that was tried, where it could not be used. */
  readonly lastError?: {
    readonly at: string;
    /** The mistakes, by their places: `gateway.yaml:12:7 composites.order.parts`. The log says what they are. */
    readonly problems: readonly string[];
  };
}

/** Remembers which configuration is in force, and whether a newer one was refused. */
export class ConfigurationState {
  private current: RunningConfiguration = { loadedAt: now(), generation: 1 };
  private refusalsSoFar = 0;

  /** How many could not be used since the start. */
  get refusals(): number {
    return this.refusalsSoFar;
  }

  report(): RunningConfiguration {
    return this.current;
  }

  /** Another configuration took the place of the one there was. */
  replaced(): void {
    this.current = { loadedAt: now(), generation: this.current.generation + 1 };
  }

  /** What was read last is what is in force already. */
  confirmed(): void {
    const { loadedAt, generation } = this.current;
    this.current = { loadedAt, generation };
  }

  /** Another configuration could not be used; what is in force stays. */
  refused(problems: readonly ConfigurationProblem[]): void {
    const { loadedAt, generation } = this.current;
    this.refusalsSoFar++;
    this.current = { loadedAt, generation, lastError: { at: now(), problems: problems.map(placeOf) } };
  }
}

function placeOf({ file, line, column, path }: ConfigurationProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place} ${path}`.trim();
}

function now(): string {
  return new Date().toISOString();
}
