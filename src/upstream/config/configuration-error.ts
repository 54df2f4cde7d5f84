/** One thing wrong with the configuration, and where. */
export interface ConfigurationProblem {
  /** The file, as it was named when it was loaded; absent for a mistake in code. */
  readonly file?: string | undefined;
  /** From 1; absent when the problem is not at a place in a file (the file is missing, the mistake is in code). */
  readonly line?: number | undefined;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column?: number | undefined;
  /** `upstreams.orders.retry.maxAttempts`, or what was called in code; empty for the file as a whole. */
  readonly path: string;
  /** What was found, what was expected, the nearest valid name. */
  readonly message: string;
}

/**
 * The configuration cannot be used. Carries every problem, in the order of the file; the message has one line each:
 * `gateway.yaml:12:7  upstreams.orders.retry.maxAttemps: unknown key; did you mean maxAttempts?`
 *
 * Values that came from the environment are never shown, only what the file says (`${API_KEY}`).
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    const inOrder = problems.toSorted(byPlace);
    super(inOrder.map(asLine).join('\n'));
    this.problems = inOrder;
  }
}

function byPlace(one: ConfigurationProblem, other: ConfigurationProblem): number {
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

function asLine({ file, line, column, path, message }: ConfigurationProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place && `${place}  `}${path && `${path}: `}${message}`;
}
