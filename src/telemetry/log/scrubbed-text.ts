/** Whether there is anything to look for: most texts have none of it. */
const SUSPICIOUS = /[?@]|bearer|basic|authorization|cookie|passw|secret|token|api[-_]?key/i;

// What the messages about a configuration say of a key by such a name (`found ...`) is no value of it.
const USER_OF_URL = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'<>]*@/gi;
const QUERY = /\?[^\s"'<>()?]*=[^\s"'<>()]*/g;
const HEADER =
  /\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s*[:=](?!\s*(?:found |is missing))\s*)["']?[^\r\n"'}]+/gi;
const CREDENTIALS = /\b(bearer|basic)(\s+)(?=\S*[\d._~+/=-])[^\s"',;]{8,}/gi;
const NAMED =
  /([\w-]*(?:passwords?|passwd|secrets?|tokens?|api[-_]?keys?))(["']?\s*[=:](?!\s*(?:found |is missing))\s*)(?:"[^"]*"|'[^']*'|[^\s,;&)}]+)/gi;

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]';

/**
 * A text without what looks like a secret in it: the user of a URL, the values of a query, header values and credentials,
 * and what follows names such as `password=`. What errors quote comes from requests and upstreams as often as not.
 */
export function scrubbedText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text
    .replace(USER_OF_URL, '$1')
    .replace(QUERY, `?${REDACTED}`)
    .replace(HEADER, `$1$2${REDACTED}`)
    .replace(CREDENTIALS, `$1$2${REDACTED}`)
    .replace(NAMED, `$1$2${REDACTED}`);
}

const SECRET_NAME =
  /^(?:(?:proxy[-_]?)?authorization|(?:set[-_]?)?cookies?|(?:raw|trailers|.*[-_]?)headers?)$|passw(?:or)?d|passphrase|secret|token|api[-_]?key|credential|private[-_]?key/i;

const known = new Map<string, boolean>();

/** Whether what goes by this name is a secret, or full of them, as the headers of a request are. */
export function isSecretName(name: string): boolean {
  let isSecret = known.get(name);
  if (isSecret === undefined) {
    isSecret = SECRET_NAME.test(name);
    if (known.size < 1_000) known.set(name, isSecret);
  }
  return isSecret;
}
