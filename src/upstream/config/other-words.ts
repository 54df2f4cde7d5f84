/** What other gateways, and habit, call the keys of this one; of several the first that is there. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  timeout: ['within', 'deadline', 'attemptTimeoutMs'],
  timeoutMs: ['within', 'deadline', 'attemptTimeoutMs'],
  url: ['get'],
  path: ['get'],
  route: ['get'],
  method: ['get'],
  query: ['values'],
  dependsOn: ['needs'],
  after: ['needs'],
  default: ['fallback'],
  if: ['when'],
  map: ['select'],
  transform: ['select'],
  include: ['pick'],
  exclude: ['omit'],
  target: ['as'],
};

/** The key that another word stands for. */
export function keyMeantBy(word: string, valid: readonly string[]): string | undefined {
  const keys = Object.hasOwn(KEYS, word) ? KEYS[word] : undefined;
  return keys?.find((key) => valid.includes(key));
}
