import { type Observable, Subject } from 'rxjs';
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

/** What became of a configuration that was read while the gateway runs. */
export type ConfigurationChange =
  /** It took the place of the one there was; `changes` says in one line what that means. */
  | { readonly outcome: 'replaced'; readonly generation: number; readonly changes: string }
  /** It could not be used; `problems` are the places of its mistakes. */
  | { readonly outcome: 'refused'; readonly problems: readonly string[] }
  /** It is what is in force, after one that could not be used. */
  | { readonly outcome: 'recovered' };

/** Remembers which configuration is in force, and whether a newer one was refused. */
export class ConfigurationState {
  private current: RunningConfiguration = { loadedAt: now(), generation: 1 };
  private refusalsSoFar = 0;
  private readonly told = new Subject<ConfigurationChange>();

  /** Each change, once it is in force. */
  get changes(): Observable<ConfigurationChange> {
    return this.told;
  }

  /** How many could not be used since the start. */
  get refusals(): number {
    return this.refusalsSoFar;
  }

  report(): RunningConfiguration {
    return this.current;
  }

  /**
   * Another configuration took the place of the one there was.
   *
   * @param changes what that means, in one line.
   */
  replaced(changes: string): void {
    const generation = this.current.generation + 1;
    this.current = { loadedAt: now(), generation };
    this.told.next({ outcome: 'replaced', generation, changes });
  }

  /** What was read last is what is in force already. */
  confirmed(): void {
    const { loadedAt, generation, lastError } = this.current;
    this.current = { loadedAt, generation };
    if (lastError !== undefined) this.told.next({ outcome: 'recovered' });
  }

  /** Another configuration could not be used; what is in force stays. */
  refused(mistakes: readonly ConfigurationProblem[]): void {
    const { loadedAt, generation } = this.current;
    this.refusalsSoFar++;
    const problems = mistakes.map(placeOf);
    this.current = { loadedAt, generation, lastError: { at: now(), problems } };
    this.told.next({ outcome: 'refused', problems });
  }
}

function placeOf({ file, line, column, path }: ConfigurationProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place} ${path}`.trim();
}

function now(): string {
  return new Date().toISOString();
}
