/** A bare item of RFC 9651, as far as our fields use them. */
export type BareItem = string | number | boolean;

export interface Item {
  readonly value: BareItem;
  readonly parameters: Readonly<Record<string, BareItem>>;
}

/** Reads an RFC 9651 list (section 4.2.1), strictly: whatever the grammar does not allow is an error. */
export function parseList(field: string): Item[] {
  const reader = new Reader(field);
  const items = [reader.item()];
  while (!reader.atEnd) {
    reader.expect(/[ \t]*,[ \t]*/y, 'a comma');
    items.push(reader.item());
  }
  return items;
}

/** Reads an RFC 9651 item (section 4.2.3). */
export function parseItem(field: string): Item {
  const reader = new Reader(field);
  const item = reader.item();
  if (!reader.atEnd) reader.fail('the end');
  return item;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  get atEnd(): boolean {
    return this.at === this.text.length;
  }

  item(): Item {
    const value = this.bareItem();
    const parameters: Record<string, BareItem> = {};
    while (this.take(/; */y) !== undefined) {
      const key = this.expect(/[a-z*][a-z0-9_.*-]*/y, 'a key');
      parameters[key] = this.take(/=/y) === undefined ? true : this.bareItem();
    }
    return { value, parameters };
  }

  expect(pattern: RegExp, what: string): string {
    return this.take(pattern) ?? this.fail(what);
  }

  fail(expected: string): never {
    throw new SyntaxError(`expected ${expected} at ${this.at} of ${this.text}`);
  }

  private bareItem(): BareItem {
    const boolean = this.take(/\?[01]/y);
    if (boolean !== undefined) return boolean === '?1';
    const number = this.take(/-?\d{1,15}(?!\d)/y);
    if (number !== undefined) return Number(number);
    const text = this.take(/"(?:[ !#-[\]-~]|\\["\\])*"/y);
    if (text !== undefined) return text.slice(1, -1).replace(/\\(.)/g, '$1');
    return this.expect(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y, 'an item');
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.at += found.length;
    return found;
  }
}
