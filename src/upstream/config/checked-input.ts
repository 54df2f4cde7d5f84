import { z } from 'zod';
import { type ConfigurationReport } from './configuration-report.js';
import { type Path, UNRESOLVED, valueAt } from './configuration-source.js';
import { nearestName } from './nearest-name.js';
import { secrets } from './secret-text.js';

/** What groups of many keys say of them: all their names would be no help. */
export const keyListings = z.registry<{ readonly keys: string }>();

/**
 * Checks what was written against a schema, reports everything that does not fit, and gives what remains without it,
 * so that further checks can still be made: one wrong key does not hide another. Undefined if nothing remains.
 */
export function checkedInput<S extends z.ZodType>(
  schema: S,
  input: unknown,
  report: ConfigurationReport,
): z.output<S> | undefined {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const refused = new Map<string, Path>();
  const refuse = (path: Path, say: () => void): void => {
    const key = JSON.stringify(path);
    if (!refused.has(key) && valueAt(input, path) !== UNRESOLVED) say();
    refused.set(key, path);
  };
  for (const issue of result.error.issues.flatMap(meant)) {
    const { path } = issue;
    if (issue.code === 'unrecognized_keys') {
      const { valid, listing } = keysOf(schemaAt(schema, path));
      for (const key of issue.keys) {
        refuse([...path, key], () => {
          report.unknownKey([...path, key], valid, listing);
        });
      }
    } else {
      refuse(path, () => {
        if (isSecret(schemaAt(schema, path))) report.unexpected(path, issue.message, NOT_SHOWN);
        else sayUnexpected(issue, report);
      });
    }
  }
  const remaining = schema.safeParse(without(input, [...refused.values()]));
  return remaining.success ? remaining.data : undefined;
}

const NOT_SHOWN = 'something else (not shown)';

function isSecret(schema: unknown): boolean {
  const kind = unwrapped(schema);
  return kind instanceof z.ZodString && secrets.has(kind);
}

/** Of a value that may be one of several kinds: what is wrong with it as the kind it is, if it is one of them. */
function meant(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const kinds = issue.errors.filter(
    (issues) => !issues.some(({ code, path }) => path.length === 0 && code === 'invalid_type'),
  );
  const [only] = kinds;
  if (only === undefined || kinds.length > 1) return [issue];
  return only.flatMap((inner) => meant({ ...inner, path: [...issue.path, ...inner.path] }));
}

function sayUnexpected(issue: z.core.$ZodIssue, report: ConfigurationReport): void {
  const { path, message } = issue;
  if (issue.code === 'invalid_key') {
    report.add(
      path,
      'key',
      `found ${JSON.stringify(path.at(-1))}; expected ${issue.issues[0]?.message ?? message}`,
    );
    return;
  }
  const nearest =
    issue.code === 'invalid_value'
      ? nearestName(report.source.written(path), issue.values.map(String))
      : undefined;
  const found: unknown = issue.code === 'custom' ? issue.params?.['found'] : undefined;
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
  const quoted = wantsText || /\bJMESPath\b/.test(message) ? report.source.quoted(path) : undefined;
  const hint = nearest
    ? `; did you mean ${nearest}?`
    : quoted === undefined
      ? ''
      : `; as text it stands in quotes: ${quoted}`;
  report.unexpected(path, message + hint, typeof found === 'string' ? found : undefined);
}

/** The schema of the value at a path. */
function schemaAt(schema: unknown, path: Path): unknown {
  return path.reduce<unknown>((outer, key) => {
    const group = groupIn(outer);
    if (group instanceof z.ZodObject) return (group.shape as Readonly<Record<PropertyKey, unknown>>)[key];
    return group instanceof z.ZodRecord ? group.valueType : undefined;
  }, schema);
}

function keysOf(schema: unknown): {
  readonly valid: readonly string[];
  readonly listing: string | undefined;
} {
  const group = groupIn(schema);
  if (!(group instanceof z.ZodObject)) return { valid: [], listing: undefined };
  return { valid: Object.keys(group.shape), listing: keyListings.get(group)?.keys };
}

/** The one kind of value that has keys, where a value may be of several. */
function groupIn(schema: unknown): unknown {
  const kind = unwrapped(schema);
  if (!(kind instanceof z.ZodUnion)) return kind;
  return kind.options.map(unwrapped).find((option) => option instanceof z.ZodObject);
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? unwrapped(schema.unwrap())
    : schema;
}

/** A copy of the data without what stands at the paths. */
function without(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0 || typeof value !== 'object' || value === null) return value;
  const below = (key: PropertyKey): readonly Path[] =>
    paths.filter(([first]) => first === key).map(([, ...rest]) => rest);
  const stays = (key: PropertyKey): boolean => !below(key).some((path) => path.length === 0);
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => (stays(index) ? [without(item, below(index))] : []));
  }
  const entries = Object.entries(value).filter(([key]) => stays(key));
  return Object.fromEntries(
    entries.map(([key, item]: [string, unknown]) => [key, without(item, below(key))]),
  );
}
