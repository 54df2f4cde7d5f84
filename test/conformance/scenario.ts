/** Whose promise a scenario re-expresses. */
export type Source =
  | 'resilience4j'
  | 'Polly'
  | '.NET resilience'
  | 'Hystrix'
  | 'gobreaker'
  | 'Finagle'
  | 'Envoy'
  | 'gRPC'
  | 'concurrency-limits'
  | 'AWS'
  | 'Google SRE'
  | 'cockatiel'
  | 'opossum'
  | 'undici'
  | 'failsafe'
  | 'is-retry-allowed'
  | 'RFC 9110'
  | 'RFC 9111'
  | 'RFC 5861'
  | 'RFC 8470'
  | 'nasty bugs';

/**
 * One promise of the field, with exact numbers, held against ours.
 *
 * @param where the test, file, section or issue of the source that makes it.
 */
export function scenario(source: Source, where: string, fact: string, run: () => void): void {
  it(`[${source}] ${where}: ${fact}`, run);
}

/** A promise of the field that we do not make. The fact is what ours does; `because` says why. */
export function differs(source: Source, where: string, fact: string, because: string, run: () => void): void {
  it(`[${source}] ${where}: ${fact} [differs: ${because}]`, run);
}
