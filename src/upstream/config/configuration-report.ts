import { ConfigurationError, type ConfigurationProblem } from './configuration-error.js';
import { type ConfigurationSource, formatPath, type Path, type Position } from './configuration-source.js';
import { nearestName } from './nearest-name.js';
import { keyMeantBy } from './other-words.js';

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

  /** A key that is not there. `or` are those that could stand in its place. */
  missing(path: Path, expected: string, ...or: readonly Path[]): void {
    if ([path, ...or].some((key) => this.meant.has(this.pathOf(key)))) return;
    this.add(path, 'value', `is missing; expected ${expected}`);
  }

  /** @param listing the valid keys, where there are too many to name them all. */
  unknownKey(path: Path, valid: readonly string[], listing = valid.join(', ')): void {
    const parent = path.slice(0, -1);
    const name = String(path.at(-1));
    if (/[()`'"]/.test(name)) {
      this.add(path, 'key', `found ${name} as a key; within { } a value with a comma in it stands in quotes`);
      return;
    }
    const nearest = keyMeantBy(name, valid) ?? nearestName(name, valid);
    if (nearest) this.meant.add(this.pathOf([...parent, nearest]));
    const hint = nearest ? `did you mean ${nearest}?` : `valid keys here: ${listing}`;
    this.add(path, 'key', `unknown key; ${hint}`);
  }

  add(path: Path, of: 'key' | 'value', message: string): void {
    this.push(path, this.source.position(path, of), message);
  }

  /** Something wrong within a text, from one of its characters on. */
  addWithin(path: Path, offset: number, message: string): void {
    this.push(path, this.source.positionIn(path, offset), message);
  }

  /** Whether something is wrong with what stands at a path, or below it. */
  has(path: Path): boolean {
    const outer = this.pathOf(path);
    return this.problems.some(
      ({ path: at }) => at === outer || at.startsWith(`${outer}.`) || at.startsWith(`${outer}[`),
    );
  }

  throwIfAny(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }

  private push(path: Path, position: Position | undefined, message: string): void {
    const { file } = this.source;
    this.problems.push({ file, ...position, path: this.pathOf(path), message });
  }

  private pathOf(path: Path): string {
    return formatPath(this.source.root, path);
  }
}
