/** How an upstream may behave. */
export const BEHAVIOURS = ['up', 'down', 'slow', 'garbage', 'empty'] as const;

/**
 * `up` answers as it should; `down`: nobody listens there; `slow`: it answers nothing for as long as it is waited for;
 * `garbage`: its answer is no JSON; `empty`: its answer has no body.
 */
export type Behaviour = (typeof BEHAVIOURS)[number];

/** How each part's upstream behaves. */
export type Combination = Readonly<Record<string, Behaviour>>;

export interface Combinations {
  readonly all: readonly Combination[];
  /** Whether these are all there are: otherwise those where one or two parts misbehave. */
  readonly exhaustive: boolean;
}

const UP: Behaviour = 'up';

/**
 * What may happen to these parts, all of them up first. Beyond `limit` only what may happen to one of them, or to two at
 * a time: what two parts can do to each other shows in pairs ("Software Fault Interactions", Kuhn, Wallace and Gallo,
 * 2004).
 */
export function combinationsOf(
  parts: readonly string[],
  varied: readonly string[],
  limit: number,
): Combinations {
  const allUp = Object.fromEntries(parts.map((part) => [part, UP]));
  const exhaustive = BEHAVIOURS.length ** varied.length <= limit;
  const all = exhaustive ? everything(allUp, varied) : upToTwo(allUp, varied);
  return { all, exhaustive };
}

function everything(allUp: Combination, varied: readonly string[]): readonly Combination[] {
  return varied.reduce<readonly Combination[]>(
    (some, part) => some.flatMap((one) => BEHAVIOURS.map((behaviour) => ({ ...one, [part]: behaviour }))),
    [allUp],
  );
}

function upToTwo(allUp: Combination, varied: readonly string[]): readonly Combination[] {
  const wrong = BEHAVIOURS.filter((behaviour) => behaviour !== UP);
  const singles = varied.flatMap((part) => wrong.map((behaviour) => ({ ...allUp, [part]: behaviour })));
  const pairs = varied.flatMap((one, index) =>
    varied
      .slice(index + 1)
      .flatMap((other) =>
        wrong.flatMap((first) => wrong.map((second) => ({ ...allUp, [one]: first, [other]: second }))),
      ),
  );
  return [allUp, ...singles, ...pairs];
}
