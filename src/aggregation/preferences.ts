/** What the client asked for with `Prefer` (RFC 7240), and which of it is honoured. */
export interface Preferences {
  /** `handling=strict`: every part is required. */
  readonly strict: boolean;
  /** `wait=2`: the client waits no longer than this, in ms; Infinity where it did not say. */
  readonly waitMs: number;
  /** `report=body`: the part report stands in the body too, under `_composite`. */
  readonly reportInBody: boolean;
  /** The value of `Preference-Applied`; empty where nothing was asked for that we honour. */
  readonly applied: string;
}

export const NO_PREFERENCES: Preferences = {
  strict: false,
  waitMs: Infinity,
  reportInBody: false,
  applied: '',
};

/** One preference: a token, with or without a value; its parameters are not ours. */
const PREFERENCE =
  /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?\s*(?:;.*)?$/s;

/**
 * Reads a `Prefer` field. What cannot be read or is not ours is ignored, as RFC 7240 section 2 asks; the first of
 * equally named preferences counts.
 */
export function parsePrefer(field: string): Preferences {
  const asked = new Map<string, string>();
  for (const item of splitList(field)) {
    const [, name, quoted, token] = PREFERENCE.exec(item) ?? [];
    if (name === undefined) continue;
    const key = name.toLowerCase();
    if (!asked.has(key)) asked.set(key, (quoted ?? token ?? '').toLowerCase());
  }

  const applied: string[] = [];
  const handling = asked.get('handling');
  if (handling === 'strict' || handling === 'lenient') applied.push(`handling=${handling}`);
  const waitMs = parseWait(asked.get('wait'));
  if (waitMs !== undefined) applied.push(`wait=${waitMs / 1000}`);
  const reportInBody = asked.get('report') === 'body';
  if (reportInBody) applied.push('report=body');

  return {
    strict: handling === 'strict',
    waitMs: waitMs ?? Infinity,
    reportInBody,
    applied: applied.join(', '),
  };
}

/** Whole seconds, as RFC 7240 has it. `wait=0` asks for an answer that nobody can give, and is not honoured. */
function parseWait(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  const seconds = Number(value);
  return seconds === 0 ? undefined : seconds * 1000;
}

/** Splits at commas outside quoted strings. */
function splitList(field: string): string[] {
  return field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/gs) ?? [];
}
