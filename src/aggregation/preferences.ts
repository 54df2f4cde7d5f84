/** What the client asked for with `Prefer` (RFC 7240), of what is honoured here. */
export interface Preferences {
  /** `handling=strict`: every part is required. `lenient` is what happens anyway. */
  readonly handling: 'strict' | 'lenient' | undefined;
  /** `wait=2`: the client waits no longer than this, in seconds. */
  readonly waitSeconds: number | undefined;
  /** `report=body`: the part report stands in the body too, under `_composite`. */
  readonly reportInBody: boolean;
}

export const NO_PREFERENCES: Preferences = {
  handling: undefined,
  waitSeconds: undefined,
  reportInBody: false,
};

/**
 * Reads a `Prefer` field. What cannot be read or is not ours is ignored, as RFC 7240 section 2 asks; the first of
 * equally named preferences counts. Takes time in proportion to the length of the field, whatever stands in it.
 */
export function parsePrefer(field: string): Preferences {
  const asked = new Map<string, string>();
  for (const item of split(field, ',')) {
    // What follows a semicolon are parameters; none of them is ours.
    const [preference = ''] = split(item, ';');
    const [name, value] = nameAndValue(preference);
    if (TOKEN.test(name) && !asked.has(name)) asked.set(name, value);
  }
  const handling = asked.get('handling');
  return {
    handling: handling === 'strict' || handling === 'lenient' ? handling : undefined,
    waitSeconds: waitSeconds(asked.get('wait')),
    reportInBody: asked.get('report') === 'body',
  };
}

/** `Preference-Applied`: which preferences were honoured; empty for none. */
export function preferenceApplied({ handling, waitSeconds }: Preferences, reportedInBody: boolean): string {
  const applied: string[] = [];
  if (handling !== undefined) applied.push(`handling=${handling}`);
  if (waitSeconds !== undefined) applied.push(`wait=${waitSeconds}`);
  if (reportedInBody) applied.push('report=body');
  return applied.join(', ');
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const QUOTED = /^"(?:[^"\\]|\\.)*"$/s;

function nameAndValue(preference: string): [name: string, value: string] {
  const equals = preference.indexOf('=');
  const name = equals < 0 ? preference : preference.slice(0, equals);
  const value = equals < 0 ? '' : preference.slice(equals + 1).trim();
  const plain = QUOTED.test(value) ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value;
  return [name.trim().toLowerCase(), plain.toLowerCase()];
}

/** Whole seconds, as RFC 7240 has it. `wait=0` asks for an answer that nobody can give, and is not honoured. */
function waitSeconds(value: string | undefined): number | undefined {
  if (value === undefined || !/^\d{1,9}$/.test(value)) return undefined;
  const seconds = Number(value);
  return seconds === 0 ? undefined : seconds;
}

/** Splits at separators outside quoted strings. */
function split(text: string, separator: ',' | ';'): string[] {
  const items: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      items.push(text.slice(start, at));
      start = at + 1;
    }
  }
  items.push(text.slice(start));
  return items;
}
