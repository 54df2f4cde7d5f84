import { type ConfigurationReport } from '../../upstream/config/configuration-report.js';
import { type Path, valueAt } from '../../upstream/config/configuration-source.js';

/** A place of the file: what was written there, right or wrong, and where to say that it is wrong. */
export class Place {
  constructor(
    readonly at: Path,
    /** As written: also what the schema refused. */
    readonly value: unknown,
    readonly report: ConfigurationReport,
  ) {}

  below(...keys: Path): Place {
    return new Place([...this.at, ...keys], valueAt(this.value, keys), this.report);
  }

  /** The keys of a group; none for anything else. */
  get keys(): readonly string[] {
    const { value } = this;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  }

  /** The texts of a list that nothing is wrong with, each at its own index. */
  get names(): readonly (readonly [number, string])[] {
    const { value, at } = this;
    if (!Array.isArray(value)) return [];
    return [...(value as readonly unknown[]).entries()].filter(
      (entry): entry is [number, string] =>
        typeof entry[1] === 'string' && !this.report.has([...at, entry[0]]),
    );
  }

  has(key: string): boolean {
    return this.keys.includes(key);
  }

  /** The value at this place is not what it should be. */
  unexpected(expected: string, found?: string): void {
    this.report.unexpected(this.at, expected, found);
  }

  /** As it stands in the file, fit for a message. */
  get written(): string {
    return this.report.source.written(this.at);
  }

  /** A text at this place is not what it should be from one of its characters on. */
  unexpectedWithin(offset: number, found: string, expected: string): void {
    if (this.holdsVariable) this.unexpected(WITH_VARIABLE);
    else this.report.addWithin(this.at, Math.max(0, offset), `found ${found}; expected ${expected}`);
  }

  /** A text at this place has a flaw from one of its characters on. */
  flawWithin(offset: number, flaw: string): void {
    if (this.holdsVariable) this.unexpected(WITH_VARIABLE);
    else this.report.addWithin(this.at, offset, flaw);
  }

  /** The key of this place should not stand here, or not like this. */
  unexpectedKey(found: string, expected: string): void {
    this.report.add(this.at, 'key', `found ${found}; expected ${expected}`);
  }

  /** What a text quotes of itself would show what came from the environment. */
  get holdsVariable(): boolean {
    return this.written.endsWith('(value not shown)');
  }
}

const WITH_VARIABLE = 'a text that can be used here once its variables are filled in';
