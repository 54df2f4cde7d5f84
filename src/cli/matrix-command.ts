import { RequestMistake } from '../composite/composite-request.js';
import { type FailureMatrix, failureMatrix } from '../testing/failure-matrix.js';
import { type Command, FILE_OPTIONS } from './command.js';
import { headersOf, jsonFrom, pairs } from './request-options.js';
import { UsageError } from './usage-error.js';

export const matrixCommand: Command = {
  description: [
    'Runs the composite against stubs of its upstreams on this machine, each of which is up, down, slow, answers ' +
      'garbage or nothing, in every combination; nothing leaves the machine. Beyond 3125 combinations (five parts) ' +
      'one or two parts misbehave at a time.',
    'Parameters and answers are made up from schemas and from what expressions look for; those that cannot be are ' +
      'given: key=value, --body, --answer.',
  ],
  options: {
    ...FILE_OPTIONS,
    format: {
      help: 'table (the default), json, or markdown',
      value: 'FORMAT',
      oneOf: ['table', 'json', 'markdown'],
    },
    only: { help: 'the parts that misbehave, with commas between; the others stay up', value: 'PARTS' },
    answer: {
      help: 'what the upstream of a part answers when it is up; may be repeated',
      value: 'PART=JSON|@FILE',
      multiple: true,
    },
    body: { help: 'the JSON body of the request, or @FILE, or @- for stdin', value: 'JSON' },
    header: { help: 'a header of the request; may be repeated', value: 'NAME:VALUE', multiple: true },
  },
  async run(input, terminal) {
    const definition = input.definition();
    const { config } = input.compositeOf(definition);
    const params = [...pairs(input.operands.slice(1))].map(
      ([name, values]) => [name, values.length === 1 ? values[0] : values] as const,
    );
    const answers: Record<string, unknown> = {};
    for (const [part, [json = ''] = []] of pairs(input.all('answer'))) {
      answers[part] = JSON.parse(await jsonFrom(json, terminal));
    }
    const body = input.value('body');
    const options = {
      config: definition,
      composite: config.name,
      params: Object.fromEntries(params),
      body: body === undefined ? undefined : (JSON.parse(await jsonFrom(body, terminal)) as unknown),
      headers: headersOf(input),
      answers,
      only: input.value('only')?.split(','),
    };
    const matrix = await failureMatrix(options).catch((error: unknown): never => {
      if (error instanceof RequestMistake || error instanceof RangeError) throw new UsageError(error.message);
      throw error;
    });
    const format = input.value('format') ?? 'table';
    if (format === 'json') terminal.out(`${JSON.stringify(matrixJson(matrix), null, 2)}\n`);
    else terminal.out(format === 'markdown' ? matrix.markdown : matrix.table);
    return 0;
  },
};

/** The matrix without its pictures, and without the JSON of each answer. */
function matrixJson(matrix: FailureMatrix): object {
  const { composite, route, parts, varied, exhaustive, notes, rows, answers } = matrix;
  return {
    composite,
    route,
    parts,
    varied,
    exhaustive,
    notes,
    rows: rows.map(({ answers: alike, ...row }) => ({ ...row, combinations: alike.length })),
    answers: answers.map(({ body: _, ...answer }) => answer),
  };
}
