/** What a number on the command line may be. */
export interface NumberRange {
  readonly least: number;
  readonly whole?: boolean;
}

/** A number from the command line. @throws Error that names the option, what it holds and what it should. */
export function numberOption(name: string, text: string, { least, whole = false }: NumberRange): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value < Infinity && (!whole || Number.isInteger(value)))
    return value;
  throw new Error(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least}, not "${text}"`);
}
