import { type Document, isMap, isScalar, isSeq, type LineCounter, type YAMLMap } from 'yaml';
import { ConfigurationError, type ConfigurationProblem } from './configuration-error.js';
import {
  type ConfigurationSource,
  EMPTY,
  excerpt,
  formatPath,
  type Path,
  type Position,
} from './configuration-source.js';
import { type Environment, MaskedExpressions } from './environment-variables.js';
import { type Fault, isMergeKey, PreparedDocument } from './prepared-document.js';
import { parsedText } from './yaml-syntax.js';
import { quoted } from './yaml-text.js';

/** A YAML text read as plain data, with its variables substituted. Knows where everything was written, and how. */
export class YamlSource implements ConfigurationSource {
  readonly root = '';
  /** The data. What has nothing after its key is EMPTY; what holds an unset variable is UNRESOLVED. */
  readonly value: unknown;
  /** Variables that are not set, and malformed expressions. */
  readonly problems: readonly ConfigurationProblem[];

  private constructor(
    readonly file: string,
    private readonly text: string,
    private readonly lines: LineCounter,
    private readonly document: Document.Parsed,
    private readonly prepared: PreparedDocument,
  ) {
    const asProblem = ({ node, path, message }: Fault): ConfigurationProblem => ({
      file,
      ...this.place(start(node) ?? 0),
      path: formatPath('', path),
      message,
    });
    this.problems = prepared.unresolved.map(asProblem);
    if (prepared.unreadable.length > 0) {
      throw new ConfigurationError([...prepared.unreadable.map(asProblem), ...this.problems]);
    }
    // The aliases have been counted; the library's own limit knows no position.
    this.value = document.toJS({ maxAliasCount: -1 }) as unknown;
  }

  /** @throws ConfigurationError with every syntax error, unless the text is one well-formed document. */
  static parse(
    source: string,
    { file, env }: { readonly file: string; readonly env: Environment },
  ): YamlSource {
    const text = source.replace(/^\uFEFF/, '');
    const expressions = new MaskedExpressions(text);
    const { document, lines, faults } = parsedText(text, expressions);
    if (faults.length > 0) {
      const problems = faults.map(({ offset, message }): ConfigurationProblem => {
        const { line, col: column } = lines.linePos(offset);
        return { file, line, column, path: '', message };
      });
      throw new ConfigurationError(problems);
    }
    return new YamlSource(file, text, lines, document, new PreparedDocument(document, expressions, env));
  }

  position(path: Path, of: 'key' | 'value'): Position {
    const { key, value, found } = this.entry(path);
    const hasValue = found && !(isScalar(value) && value.value === EMPTY);
    const node = of === 'value' && hasValue ? value : (key ?? value);
    return this.place(start(node) ?? 0);
  }

  positionIn(path: Path, offset: number): Position {
    const node = this.prepared.behindAlias(this.entry(path).value);
    if (!isScalar(node) || !node.range || typeof node.value !== 'string') return this.position(path, 'value');
    const [from, to] = node.range;
    return this.place(from + offsetIn(this.text.slice(from, to), node.value, offset));
  }

  written(path: Path): string {
    const { value, found } = this.entry(path);
    const node = found ? this.prepared.behindAlias(value) : undefined;
    if (isSeq(node)) return 'a list';
    if (isMap(node)) return 'a group of keys';
    if (!isScalar(node) || node.value === EMPTY || !node.range) return 'nothing';
    const note = this.prepared.noteOn(node);
    return excerpt(this.text.slice(node.range[0], node.range[1])) + (note ? ` (${note})` : '');
  }

  quoted(path: Path): string | undefined {
    const { value, found } = this.entry(path);
    const isFlow = found && (isSeq(value) || isMap(value)) && value.flow === true;
    if (!isFlow || !value.range) return undefined;
    const written = this.text.slice(value.range[0], value.range[1]).trimEnd();
    return written.includes('\n') ? undefined : quoted(written);
  }

  /** The value as text, for where `00123` and `1e5` are not meant as numbers. */
  textAt(path: Path): string | undefined {
    const node = this.prepared.behindAlias(this.entry(path).value);
    if (!isScalar(node)) return undefined;
    return typeof node.value === 'string' ? node.value : node.source;
  }

  /** The key and value at the end of the path, or those at the last key of it that exists. */
  private entry(path: Path): Entry {
    let entry: Entry = { key: undefined, value: this.document.contents, found: true };
    for (const segment of path) {
      const next = this.child(this.prepared.behindAlias(entry.value), segment);
      if (!next) return { ...entry, found: false };
      entry = next;
    }
    return entry;
  }

  private child(node: unknown, segment: PropertyKey): Entry | undefined {
    if (isMap(node)) return this.pair(node, segment);
    const value = isSeq(node) ? node.items[Number(segment)] : undefined;
    return value === undefined ? undefined : { key: value, value, found: true };
  }

  private pair(map: YAMLMap, name: PropertyKey): Entry | undefined {
    const named = map.items.find(
      ({ key }) => isScalar(key) && !isMergeKey(key) && String(key.value) === name,
    );
    if (named) return { key: named.key, value: named.value, found: true };
    for (const { value } of map.items.filter(({ key }) => isMergeKey(key))) {
      const merged = this.prepared.behindAlias(value);
      for (const source of isSeq(merged) ? merged.items : [merged]) {
        const inherited = this.child(this.prepared.behindAlias(source), name);
        if (inherited) return inherited;
      }
    }
    return undefined;
  }

  private place(offset: number): Position {
    const { line, col } = this.lines.linePos(offset);
    return { line, column: col };
  }
}

interface Entry {
  readonly key: unknown;
  readonly value: unknown;
  readonly found: boolean;
}

/** The offset of a node's first character. */
function start(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range))
    return undefined;
  const [offset] = node.range as readonly number[];
  return offset;
}

/** Where a character of a text stands in what was written; 0 where that reads otherwise: escapes, variables, folded lines. */
function offsetIn(written: string, text: string, offset: number): number {
  const end = Math.min(offset, text.length);
  const start = written.indexOf(text);
  if (start >= 0) return start + end;
  if (!written.startsWith('|')) return 0;
  // Literal lines differ from those of the text by their indentation alone.
  const before = text.slice(0, end).split('\n');
  const line = text.split('\n')[before.length - 1] ?? '';
  const lines = written.split('\n');
  const indent = lines[before.length]?.indexOf(line) ?? -1;
  const lineStart = lines.slice(0, before.length).join('\n').length + 1;
  return indent < 0 ? 0 : lineStart + indent + (before.at(-1) ?? '').length;
}
