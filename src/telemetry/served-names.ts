/**
 * The names that are served now, and those that once were and are no longer: what is measured of the latter is to be
 * forgotten. It knows of those that were served when it looked.
 */
export class ServedNames {
  private present: readonly string[] = [];
  private readonly gone = new Set<string>();
  private seen: unknown;

  /**
   * @param list what there is: the same object until another takes its place.
   * @param read the names in it.
   */
  constructor(
    private readonly list: () => unknown,
    private readonly read: () => readonly string[],
  ) {}

  get current(): readonly string[] {
    this.look();
    return this.present;
  }

  /** All of them, each time: a request that was under way when its route went may have brought one back. */
  get retired(): ReadonlySet<string> {
    this.look();
    return this.gone;
  }

  /** Sees what is served now. Whoever counts does so with each event: it is two comparisons while nothing has changed. */
  look(): void {
    const list = this.list();
    if (list === this.seen) return;
    this.seen = list;
    for (const name of this.present) this.gone.add(name);
    this.present = this.read();
    for (const name of this.present) this.gone.delete(name);
  }
}
