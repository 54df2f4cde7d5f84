import { type Cell, textTable, wrapped } from '../composite/text-table.js';
import { type Behaviour, BEHAVIOURS } from './combinations.js';
import { type FailureMatrix } from './failure-matrix.js';
import { jsonShape, shapeChanges } from './json-shape.js';
import { lapses, type MatrixAnswer } from './matrix-answer.js';
import { type MatrixRow } from './matrix-rows.js';
import { surprises } from './surprises.js';

/** What a matrix is before it is written down. */
export type BareMatrix = Omit<FailureMatrix, 'table' | 'markdown' | 'answerWhen'>;

type Rows = readonly (readonly Cell[])[];

const COLUMNS = 100;
const INDENT = '  ';
const PROBLEM = 'problem';
/** A longer shape has a letter, and is written once. */
const LONG_SHAPE = 30;
/** More of what nobody expects is not read. */
const MAX_SURPRISES = 40;

/** A matrix to be read in a terminal, or compared as a snapshot. */
export function matrixTable(matrix: BareMatrix): string {
  return written(matrix, {
    title: `${matrix.composite}: ${matrix.route}`,
    heading: (text) => text,
    paragraph: (text) => wrapped(text, COLUMNS),
    note: (text) => `! ${wrapped(text, COLUMNS - 2, INDENT)}`,
    table: (rows) => textTable(rows, { indent: INDENT, heading: true }),
    legend: (rows) => {
      const lines = rows.map(([letter, shape]): Cell[] => [letter, wrapped(shape, COLUMNS - 12).split('\n')]);
      return textTable(lines, { indent: INDENT });
    },
  });
}

/** The same for a page. */
export function matrixMarkdown(matrix: BareMatrix): string {
  return written(matrix, {
    title: `## ${matrix.composite}: \`${matrix.route}\``,
    heading: (text) => `### ${text}`,
    paragraph: (text) => text,
    note: (text) => `> ${text}`,
    table: markdownTable,
    legend: (rows) => rows.map(([letter, shape]) => `- ${letter}: \`${shape}\``).join('\n'),
  });
}

/** How the pieces of a matrix are written. */
interface Style {
  readonly title: string;
  readonly heading: (text: string) => string;
  readonly paragraph: (text: string) => string;
  readonly note: (text: string) => string;
  readonly table: (rows: Rows) => string;
  readonly legend: (rows: readonly (readonly [letter: string, shape: string])[]) => string;
}

function written(matrix: BareMatrix, style: Style): string {
  const bodies = new BodyWords(matrix.answers[0]?.body);
  const alone = style.table(aloneRows(matrix, bodies));
  const unexpected = surprises(matrix.answers);
  const shown = unexpected.slice(0, MAX_SURPRISES);
  const together = [
    style.heading('Several at a time (· is any)'),
    style.table(togetherRows(matrix)),
    style.paragraph(comparison(unexpected.length, shown.length)),
    ...(shown.length === 0 ? [] : [style.table(surpriseRows(matrix, shown, bodies))]),
  ];
  const sections = [
    style.title,
    style.paragraph(extent(matrix)),
    ...matrix.notes.map(style.note),
    style.heading('One at a time'),
    alone,
    ...(matrix.varied.length > 1 ? together : []),
    style.heading('Bodies'),
    style.legend(bodies.legend),
  ];
  return `${sections.join('\n\n')}\n`;
}

function extent({ varied, parts, answers, exhaustive }: BareMatrix): string {
  const steady = parts.filter((part) => !varied.includes(part));
  const which = exhaustive
    ? `All ${answers.length} combinations of ${BEHAVIOURS.join(', ')}.`
    : `${answers.length} of ${BEHAVIOURS.length}^${varied.length} combinations: one or two parts at a time are ` +
      `${BEHAVIOURS.slice(1).join(', ')}.`;
  return steady.length === 0 ? which : `${which} Always up: ${steady.join(', ')}.`;
}

function comparison(unexpected: number, shown: number): string {
  if (unexpected === 0) return 'Whatever several do, it is what one of them does alone.';
  const more = shown < unexpected ? ` (the first ${shown} of ${unexpected})` : '';
  return `More than one of them does alone${more}:`;
}

/** What comes of it while one upstream misbehaves and all others are up. */
function aloneRows({ varied, answers }: BareMatrix, bodies: BodyWords): Rows {
  const [allUp] = answers;
  const rows = varied.flatMap((part) =>
    BEHAVIOURS.slice(1).map((behaviour, index) => {
      const alone = answers.find(({ when }) => isAlone(when, part, behaviour));
      return [index === 0 ? part : '', behaviour, ...answerCells(alone, bodies)];
    }),
  );
  return [
    ['part', 'is', 'status', 'answer', 'body', 'cache-control'],
    ['all', 'up', ...answerCells(allUp, bodies)],
    ...rows,
  ];
}

function isAlone(when: MatrixAnswer['when'], part: string, behaviour: Behaviour): boolean {
  return Object.entries(when).every(([name, other]) => other === (name === part ? behaviour : 'up'));
}

function answerCells(answer: MatrixAnswer | undefined, bodies: BodyWords): readonly Cell[] {
  if (answer === undefined) return [];
  const said = lapses(answer);
  return [
    String(answer.status),
    [...(answer.complete === true ? ['complete'] : []), ...said],
    bodies.of(answer),
    headerLines(answer.headers),
  ];
}

function headerLines(headers: MatrixAnswer['headers']): readonly string[] {
  const { 'cache-control': cacheControl = '', 'retry-after': retryAfter } = headers;
  return [cacheControl, ...(retryAfter === undefined ? [] : [`retry-after: ${retryAfter}`])];
}

function togetherRows({ varied, rows }: BareMatrix): Rows {
  return [
    [...varied, 'status', 'answer', 'cache-control'],
    ...rows.map((row) => [
      ...varied.map((part) => behavioursText(row.when[part] ?? [])),
      String(row.status),
      endingOf(row),
      headerLines(row.headers),
    ]),
  ];
}

function behavioursText(behaviours: readonly Behaviour[]): Cell {
  return behaviours.length === BEHAVIOURS.length ? '·' : behaviours;
}

function endingOf({ complete, failed, answers }: MatrixRow): Cell {
  if (failed === undefined) return complete === true ? 'complete' : 'partial';
  const said = answers.map(lapses);
  return [
    ...new Set([...said.flatMap(([failure = '']) => failure), ...said.flatMap(([, ...writes]) => writes)]),
  ];
}

function surpriseRows({ varied }: BareMatrix, unexpected: readonly MatrixAnswer[], bodies: BodyWords): Rows {
  return [
    ['while', 'status', 'answer', 'body', 'cache-control'],
    ...unexpected.map((answer) => [
      varied.flatMap((part) => (answer.when[part] === 'up' ? [] : [`${part} ${answer.when[part] ?? ''}`])),
      ...answerCells(answer, bodies),
    ]),
  ];
}

/** Says what a body is made of: by how it differs from that of an answer with everything up, which is A. */
class BodyWords {
  /** What the letters stand for. */
  readonly legend: (readonly [letter: string, shape: string])[];

  constructor(private readonly whole: unknown) {
    this.legend = [['A', jsonShape(whole)]];
  }

  of({ body, status, shape }: MatrixAnswer): Cell {
    if (status >= 400) return this.named(shape, PROBLEM);
    const changes = shapeChanges(this.whole, body);
    if (changes.length === 0) return 'A';
    return changes.map(({ place, shape: changed }) => {
      if (changed === undefined) return `no ${place}`;
      const short = changed.length <= LONG_SHAPE ? changed : this.named(changed);
      return place === '' ? short : `${place}: ${short}`;
    });
  }

  private named(shape: string, wanted?: string): string {
    const known = this.legend.find(([, other]) => other === shape);
    if (known !== undefined) return known[0];
    const isTaken = this.legend.some(([letter]) => letter === wanted);
    const name = wanted === undefined || isTaken ? letterAt(this.legend.length) : wanted;
    this.legend.push([name, shape]);
    return name;
  }
}

/** A to Z, then AA. */
function letterAt(count: number): string {
  const letter = String.fromCharCode(65 + (count % 26));
  return count < 26 ? letter : letterAt(Math.floor(count / 26) - 1) + letter;
}

function markdownTable([heading = [], ...rows]: Rows): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.map(markdownCell).join(' | ')} |`;
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n');
}

function markdownCell(cell: Cell): string {
  const text = typeof cell === 'string' ? cell : cell.join(', ');
  return text.replaceAll('|', '\\|');
}
