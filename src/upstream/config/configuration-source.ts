/** The keys that lead to a value, from the top. */
export type Path = readonly PropertyKey[];

/** From 1, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where configured values come from: knows the place and the spelling of each, so that errors can show them. */
export interface ConfigurationSource {
  /** The file, as it was named when it was loaded; undefined for code. */
  readonly file: string | undefined;
  /** What every path begins with: the call made in code, or nothing. */
  readonly root: string;
  /** The place of a key or its value, or of the nearest thing around it that is there; undefined for code. */
  position(path: Path, of: 'key' | 'value'): Position | undefined;
  /** The place of a character of a text; that of the text where it was written in another way than it reads. */
  positionIn(path: Path, offset: number): Position | undefined;
  /** How the value was written, fit for an error message: a substituted variable shows its name, not its value. */
  written(path: Path): string;
  /** Of a `{...}` or `[...]` that was meant as text: how it would be written as one; undefined for anything else. */
  quoted(path: Path): string | undefined;
}

/** Stands for a value whose `${VARIABLE}` is not set; that is reported once, and nothing else about the value. */
export const UNRESOLVED = Symbol('unresolved');

/**
 * Stands for the value of a key with nothing after it. Not null: that switches some options off, and must not happen
 * because the lines below the key were commented out.
 */
export const EMPTY = Symbol('empty');

/** Values given in code: no places, and they are shown as they are. */
export class CodeSource implements ConfigurationSource {
  readonly file = undefined;

  constructor(
    readonly root: string,
    private readonly value: unknown,
  ) {}

  position(): undefined {
    return undefined;
  }

  positionIn(): undefined {
    return undefined;
  }

  quoted(): undefined {
    return undefined;
  }

  written(path: Path): string {
    return excerpt(shown(valueAt(this.value, path)));
  }
}

export function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return current;
}

/** `upstreams.orders.urls[1]` */
export function formatPath(root: string, path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    root,
  );
}

/** One line, not too long. */
export function excerpt(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return `a ${typeof value}`;
}
