/* eslint-disable no-control-regex -- which is what is looked for */

// Control characters, and those that only change how others are shown: escape sequences of terminals begin with ESC or
// CSI, a line ends at more than \n in some readers, and bidirectional overrides show a line in another order.
const HIDDEN_BUT_NEWLINE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Those of them that JSON leaves as they are. */
const HIDDEN_IN_JSON = /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text for people: what would be done rather than read by a terminal is written as an escape; tabs and newlines stay. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN_BUT_NEWLINE, escaped);
}

/** The same, in one line. */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll('\n', '\\n');
}

/** The same for what JSON.stringify() has written, where it is an escape of JSON's own. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN_IN_JSON, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
