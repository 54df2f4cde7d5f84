import { type Behaviour, BEHAVIOURS } from './combinations.js';
import { type MatrixAnswer } from './matrix-answer.js';

/** Combinations that a client cannot tell apart by the head of the answer: status, completeness, caching, failed part. */
export interface MatrixRow {
  /** All combinations of these behaviours, part by part. */
  readonly when: Readonly<Record<string, readonly Behaviour[]>>;
  readonly status: number;
  readonly complete: boolean | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The part that failed, and with it the composite. */
  readonly failed: string | undefined;
  /** One for each combination. */
  readonly answers: readonly MatrixAnswer[];
}

/** A set of behaviours of each part, as bits. */
interface Box {
  readonly sides: readonly number[];
  readonly members: readonly MatrixAnswer[];
}

/** All answers, in as few rows as say which combinations are answered alike; in the order of the first of each kind. */
export function foldedRows(parts: readonly string[], answers: readonly MatrixAnswer[]): readonly MatrixRow[] {
  const alike = new Map<string, MatrixAnswer[]>();
  for (const answer of answers) {
    const { status, complete, headers, failed, writes } = answer;
    const head = JSON.stringify([status, complete, headers, failed?.part, writes]);
    const others = alike.get(head);
    if (others === undefined) alike.set(head, [answer]);
    else others.push(answer);
  }
  return [...alike.values()].flatMap((group) => boxes(parts, group).map((box) => rowOf(parts, box)));
}

function boxes(parts: readonly string[], group: readonly MatrixAnswer[]): readonly Box[] {
  let all: readonly Box[] = group.map((answer) => ({
    sides: parts.map((part) => 1 << BEHAVIOURS.indexOf(answer.when[part] ?? 'up')),
    members: [answer],
  }));
  for (let before = Infinity; all.length < before;) {
    before = all.length;
    for (let side = parts.length - 1; side >= 0; side--) all = mergedAlong(side, all);
  }
  return all;
}

/** Boxes that differ in one side only are one. */
function mergedAlong(side: number, all: readonly Box[]): readonly Box[] {
  const alike = new Map<string, Box[]>();
  for (const box of all) {
    const key = box.sides.map((bits, index) => (index === side ? '' : bits)).join();
    const others = alike.get(key);
    if (others === undefined) alike.set(key, [box]);
    else others.push(box);
  }
  return [...alike.values()].map((group) => {
    const [first, ...rest] = group;
    if (first === undefined || rest.length === 0)
      return { sides: first?.sides ?? [], members: first?.members ?? [] };
    const bits = group.reduce((together, { sides }) => together | (sides[side] ?? 0), 0);
    return { sides: first.sides.with(side, bits), members: group.flatMap(({ members }) => members) };
  });
}

function rowOf(parts: readonly string[], { sides, members }: Box): MatrixRow {
  const when = parts.map((part, index) => {
    const bits = sides[index] ?? 0;
    return [part, BEHAVIOURS.filter((_, bit) => (bits & (1 << bit)) !== 0)] as const;
  });
  const [answer] = members;
  return {
    when: Object.fromEntries(when),
    status: answer?.status ?? 0,
    complete: answer?.complete,
    headers: answer?.headers ?? {},
    failed: answer?.failed?.part,
    answers: members,
  };
}
