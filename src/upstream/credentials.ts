const CREDENTIALS = /^(?:authorization|cookie|proxy-authorization)$/i;
const SHORTEST_CREDENTIALS = 'cookie'.length;

/** Whether a header stands for whoever sends it. */
export function isCredential(header: string): boolean {
  return header.length >= SHORTEST_CREDENTIALS && CREDENTIALS.test(header);
}

export function hasCredentials(headers: object): boolean {
  for (const name in headers) if (isCredential(name)) return true;
  return false;
}
