/** A scrape as somebody reads it who looks for single values. */
export class Scraped {
  /** By name and labels, these in alphabetical order: `a_total{b="c"}`. */
  private readonly values: ReadonlyMap<string, number>;

  constructor(readonly text: string) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.values = new Map(lines.map(seriesOf));
  }

  /** Names of families, as they are asked for: `_bucket`, `_sum` and `_count` are names as well. */
  get names(): ReadonlySet<string> {
    return new Set([...this.values.keys()].map((series) => series.replace(/\{.*/, '')));
  }

  /** Undefined where there is no such series. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.values.get(keyOf(name, Object.entries(labels)));
  }

  /** All series of which the name and labels hold this text. */
  holding(text: string): readonly string[] {
    return [...this.values.keys()].filter((series) => series.includes(text));
  }
}

function seriesOf(line: string): [string, number] {
  const [, name = '', written = '', value = ''] = /^([\w:]+)(?:\{(.*?)\})? (\S+)(?: # .*)?$/.exec(line) ?? [];
  const labels = [...written.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = '', text = '']) => [label, text] as const,
  );
  return [keyOf(name, labels), Number(value)];
}

function keyOf(name: string, labels: readonly (readonly [string, string])[]): string {
  if (labels.length === 0) return name;
  const written = labels.map(([label, value]) => `${label}="${value}"`).sort();
  return `${name}{${written.join(',')}}`;
}
