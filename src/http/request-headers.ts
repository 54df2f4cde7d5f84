import { AxiosError, AxiosHeaders } from 'axios';

const SPLITS_HEADERS = /[\r\n\0]/;
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]*$/;

// Framing and connection reuse belong to the pool. undici refuses these names; a gateway that passes a
// client's headers on should not fail over them.
const POOL_OWNED: ReadonlySet<string> = new Set(['expect', 'keep-alive', 'transfer-encoding']);

/**
 * The headers of one request in the flat form undici writes without further work (name, value, name,
 * value, ...), each name once, whatever its case.
 */
export class RequestHeaders {
  readonly flat: string[] = [];
  private readonly names: string[] = [];

  get(lowerCaseName: string): string | undefined {
    const at = this.names.indexOf(lowerCaseName);
    return at === -1 ? undefined : this.flat[2 * at + 1];
  }

  set(name: string, value: string): void {
    const lowerCase = name.toLowerCase();
    const at = this.names.indexOf(lowerCase);
    if (at !== -1) {
      this.flat[2 * at + 1] = value;
    } else if (!POOL_OWNED.has(lowerCase)) {
      this.names.push(lowerCase);
      this.flat.push(name, value);
    }
  }

  setDefault(name: string, value: string): void {
    if (!this.names.includes(name.toLowerCase())) this.set(name, value);
  }

  /**
   * Takes over a plain record, `undefined` meaning absent. False if there is a value that axios treats
   * specially (null, false, an array, characters it strips); what was taken over until then is of no use.
   * @throws AxiosError ERR_BAD_OPTION_VALUE for a value with CR, LF or NUL
   */
  takeOver(source: object): boolean {
    for (const name of Object.keys(source)) {
      const value = (source as Record<string, unknown>)[name];
      if (typeof value === 'string') {
        if (!SENDABLE.test(value)) {
          refuseSplitting(name, value);
          return false;
        }
        if (name in AxiosHeaders.prototype) return false;
        this.set(name, value);
      } else if (typeof value === 'number') {
        this.set(name, String(value));
      } else if (value !== undefined) {
        return false;
      } else if (this.names.includes(name.toLowerCase())) {
        return false;
      }
    }
    return true;
  }

  toAxiosHeaders(): AxiosHeaders {
    const headers = new AxiosHeaders();
    const values = headers as unknown as Record<string, string>;
    const { flat } = this;
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i];
      const value = flat[i + 1];
      if (name !== undefined && value !== undefined) values[name] = value;
    }
    return headers;
  }

  /** What axios would send: repeated values as repeated headers, characters that are not bytes left out. */
  static fromAxios(headers: AxiosHeaders): RequestHeaders {
    const result = new RequestHeaders();
    for (const [name, value] of Object.entries(headers.toJSON()) as [string, unknown][]) {
      if (Array.isArray(value)) {
        if (POOL_OWNED.has(name.toLowerCase())) continue;
        for (const each of value) result.append(name, sendable(String(each)));
      } else {
        result.set(name, sendable(String(value)));
      }
    }
    return result;
  }

  private append(name: string, value: string): void {
    this.names.push(name.toLowerCase());
    this.flat.push(name, value);
  }
}

/**
 * Refuses header values that would end a header early. Stock axios drops the characters and sends the
 * rest, which turns an injection into a wrong value; here neither happens.
 * @throws AxiosError ERR_BAD_OPTION_VALUE, naming the header and not the value
 */
export function refuseHeaderSplitting(headers: unknown): void {
  if (typeof headers !== 'object' || headers === null) return;
  for (const [name, value] of Object.entries(headers) as [string, unknown][]) {
    if (Array.isArray(value)) {
      for (const each of value) refuseSplitting(name, each);
    } else {
      refuseSplitting(name, value);
    }
  }
}

function refuseSplitting(name: string, value: unknown): void {
  if (typeof value === 'string' && SPLITS_HEADERS.test(value)) {
    throw new AxiosError(
      `Invalid character in header content [${JSON.stringify(name)}]`,
      AxiosError.ERR_BAD_OPTION_VALUE,
    );
  }
}

function sendable(value: string): string {
  return SENDABLE.test(value) ? value : value.replace(/[^\t\x20-\x7e\x80-\xff]+/g, '');
}
