import { ConfigurationError, type ConfigurationProblem } from './configuration-error.js';
import { type ConfigurationSource, formatPath, type Path } from './configuration-source.js';
import { nearestName } from './nearest-name.js';

/** Collects what is wrong with one source, so that everything can be said at once. */
export class ConfigurationReport {
  readonly problems: ConfigurationProblem[] = [];
  /** Keys that an unknown one was probably meant to be: they are not missing as well. */
  private readonly meant = new Set<string>();

  constructor(readonly source: ConfigurationSource) {}

  /** A value that is not what it should be. `found` where the value as written would say too much or too little. */
  unexpected(path: Path, expected: string, found = this.source.written(path)): void {
    this.add(path, 'value', `found ${found}; expected ${expected}`);
  }

  /** A key that is not there. `or` is one that could stand in its place. */
  missing(path: Path, expected: string, or: Path = path): void {
    if (this.meant.has(this.pathOf(path)) || this.meant.has(this.pathOf(or))) return;
    this.add(path, 'value', `is missing; expected ${expected}`);
  }

  unknownKey(path: Path, valid: readonly string[]): void {
    const parent = path.slice(0, -1);
    const nearest = nearestName(String(path.at(-1)), valid);
    if (nearest) this.meant.add(this.pathOf([...parent, nearest]));
    const hint = nearest ? `did you mean ${nearest}?` : `valid keys here: ${valid.join(', ')}`;
    this.add(path, 'key', `unknown key; ${hint}`);
  }

  add(path: Path, of: 'key' | 'value', message: string): void {
    const { file } = this.source;
    this.problems.push({ file, ...this.source.position(path, of), path: this.pathOf(path), message });
  }

  throwIfAny(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }

  private pathOf(path: Path): string {
    return formatPath(this.source.root, path);
  }
}
