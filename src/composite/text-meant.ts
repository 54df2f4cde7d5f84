import { type Place } from './config/place.js';

/** Letters and what stands between words: no call, no list, no comparison, no quotes. */
const PLAIN = /^[\w\s./:,;!?@+%#~-]+$/;

/** What people write in place of an expression for a text, as its flaw. */
export interface TextFlaw {
  readonly found: string;
  readonly expected: string;
}

/**
 * What is wrong with a value that was probably meant as the text itself, and how that is written.
 *
 * @param unknown the names in it that the scope does not have; none if it is no expression at all.
 */
export function textFlaw(text: string, unknown: readonly string[], place: Place): TextFlaw | undefined {
  const isBraced = /^\{+\s*([\w.-]+)\s*\}+$/.exec(text.trim());
  if (place.holdsVariable) {
    const written = place.written.replace(/ \(value not shown\)$/, '');
    const asText = `"'${written.replace(/^(['"])(.*)\1$/, '$2')}'"`;
    return { found: place.written, expected: `JMESPath; for the text itself write ${asText}` };
  }
  if (isBraced !== null) return { found: text, expected: `${isBraced[1] ?? ''}, without braces` };
  if (/\{[\w.]+\}/.test(text) && unknown.length === 0) {
    const expected = `JMESPath, without braces: text is put together by join('', ['o-', params.id])`;
    return { found: text, expected };
  }
  if (!PLAIN.test(text)) return undefined;
  const names = [...new Set(unknown)];
  const why =
    names.length === 0
      ? ''
      : names.length === 1
        ? `, and ${names.join()} is none`
        : `, and ${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''} are none`;
  const path = `JMESPath over params, body or a part${why}`;
  return { found: text, expected: `${path}; for the text itself write ${asRawString(text)}` };
}

/** As JMESPath in YAML. */
function asRawString(text: string): string {
  return `"'${text}'"`;
}
