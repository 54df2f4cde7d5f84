import 'reflect-metadata';
import { type InProcessAnswer } from '../in-process-gateway.js';
import { type GatewayDefinition, loadGateway } from '../composite/config/gateway.js';
import { type CompositePlan } from '../composite/plan.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { type Behaviour, type Combination, combinationsOf } from './combinations.js';
import { lapses, type MatrixAnswer, matrixAnswer } from './matrix-answer.js';
import { foldedRows, type MatrixRow } from './matrix-rows.js';
import { runMatrix } from './matrix-run.js';
import { matrixMarkdown, matrixTable } from './matrix-table.js';
import { sampleRequest } from './sample-request.js';
import { StubAnswers } from './stub-answers.js';
import { StubServer } from './stub-server.js';

export { RequestMistake } from '../composite/composite-request.js';
export { type Behaviour, type Combination } from './combinations.js';
export { type MatrixAnswer, type MatrixPart } from './matrix-answer.js';
export { type MatrixRow } from './matrix-rows.js';

export interface FailureMatrixOptions {
  /** Path of the gateway file, or what was loaded from one. Default `gateway.yaml`. */
  readonly config?: string | GatewayDefinition | undefined;
  /** The name of the composite. */
  readonly composite: string;
  /** Values of its parameters, by name. Those that are not here are made up from their schemas. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** The JSON body of the request. Default: made up from `bodySchema` and what expressions look for. */
  readonly body?: unknown;
  /** Headers of the request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What upstreams answer when they are up, by part. Default: made up from schemas and what expressions look for. */
  readonly answers?: Readonly<Record<string, unknown>> | undefined;
  /** The parts whose upstreams misbehave; the others stay up. Default: all. */
  readonly only?: readonly string[] | undefined;
  /** With more combinations than this, only one or two parts misbehave at a time. Default 3125: five parts. */
  readonly maxCombinations?: number | undefined;
  /** What `${NAME}` in the file is taken from. Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What a composite answers while its upstreams are up, down, slow, or talk nonsense. */
export interface FailureMatrix {
  readonly composite: string;
  /** `GET /customers/{id}/overview` */
  readonly route: string;
  readonly parts: readonly string[];
  /** Those whose upstreams misbehave. */
  readonly varied: readonly string[];
  /** Whether every combination was tried; otherwise those where one or two parts misbehave. */
  readonly exhaustive: boolean;
  /** One for each combination. */
  readonly answers: readonly MatrixAnswer[];
  /** The same, those that are answered alike together. */
  readonly rows: readonly MatrixRow[];
  /** What to know before believing it: parts that were never asked, say. */
  readonly notes: readonly string[];
  /** All of it to read, 100 characters wide; the same each time, and so fit for a snapshot. */
  readonly table: string;
  /** All of it in Markdown. */
  readonly markdown: string;
  /**
   * The answer while these upstreams behave like this, and the others are up.
   *
   * @throws RangeError if that combination was not tried.
   */
  answerWhen(behaviours: Combination): MatrixAnswer;
}

const MAX_COMBINATIONS = 3_125;

/**
 * Runs a composite of a gateway file against stubs of its upstreams: real servers on this machine, one behaviour a part.
 * Each upstream is `up`, `down` (nobody listens), `slow` (nothing comes for as long as it is waited for), answers
 * `garbage` (no JSON) or something `empty` (no body); every combination is tried. The gateway is the real one, with its
 * policies, but for what would carry over from one combination to the next (breakers, budgets, caches); where something is
 * slow, time runs faster.
 *
 * For any test runner:
 * ```ts
 * import { failureMatrix } from 'tributary/testing';
 *
 * const matrix = await failureMatrix({ config: 'gateway.yaml', composite: 'customer-overview', params: { id: 'c-1' } });
 *
 * it('answers as ever', () => expect(matrix.table).toMatchSnapshot());
 * it('does without offers', () => expect(matrix.answerWhen({ offers: 'slow' }).status).toBe(200));
 * it('never answers 500', () => expect(matrix.rows.map(({ status }) => status)).not.toContain(500));
 * ```
 * It takes about 12 ms a combination on two cores: 1 s for three parts, 40 s for five. Give the test the time, or name
 * some parts under `only`. Nest's own log is off afterwards.
 *
 * @throws ConfigurationError with everything that is wrong with the file.
 * @throws RangeError for a composite or a part that is not there.
 * @throws RequestMistake if no request can be made up: give its params.
 */
export async function failureMatrix(options: FailureMatrixOptions): Promise<FailureMatrix> {
  const { config, env, maxCombinations = MAX_COMBINATIONS } = options;
  const definition = typeof config === 'object' ? config : loadGateway({ file: config, env });
  const plan = compositeNamed(options.composite, definition);
  const parts = plan.parts.map((part) => part.config.name);
  const varied = variedParts(parts, options.only);
  const { all: combinations, exhaustive } = combinationsOf(parts, varied, maxCombinations);

  const samples = new StubAnswers(plan, options.answers ?? {});
  const { params = {}, body, headers = {} } = options;
  const { request, input } = sampleRequest(plan.config, { params, body, headers }, samples.body);
  const server = await StubServer.start(samples.stubs(input));
  const urlOf = (part: string, behaviour: Behaviour): string => server.urlOf(part, behaviour);
  let given: readonly InProcessAnswer[];
  try {
    given = await runMatrix({ definition, plan, urlOf }, request, combinations);
  } finally {
    await server.stop();
  }
  const answers = combinations.flatMap((when, index) => {
    const answer = given[index];
    return answer === undefined ? [] : [matrixAnswer(when, answer)];
  });
  const { name: composite, method, route } = plan.config;
  const notes = [...samples.notes, ...doubts(answers[0], request.url)];
  const rows = foldedRows(parts, answers);
  const known = { composite, route: `${method} ${route}`, parts, varied, exhaustive, answers, rows, notes };
  return {
    ...known,
    get table() {
      return matrixTable(known);
    },
    get markdown() {
      return matrixMarkdown(known);
    },
    answerWhen: (behaviours) => answerWhen(answers, parts, behaviours),
  };
}

function compositeNamed(name: string, { composites }: GatewayDefinition): CompositePlan {
  const found = composites.find(({ config }) => config.name === name);
  if (found !== undefined) return found;
  throw unknown(
    'composite',
    name,
    composites.map(({ config }) => config.name),
  );
}

function variedParts(parts: readonly string[], only: readonly string[] | undefined): readonly string[] {
  const stranger = only?.find((name) => !parts.includes(name));
  if (stranger !== undefined) throw unknown('part', stranger, parts);
  return only === undefined ? parts : parts.filter((part) => only.includes(part));
}

function unknown(what: string, name: string, known: readonly string[]): RangeError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? `there is ${known.join(', ')}` : `did you mean ${nearest}?`;
  return new RangeError(`unknown ${what} ${name}; ${hint}`);
}

/** Why the answer is not whole though everything is up: the stubs do not answer what the composite needs. */
function doubts(answer: MatrixAnswer | undefined, url: string): readonly string[] {
  if (answer === undefined || answer.complete === true) return [];
  if (answer.failed === undefined && answer.status >= 400) {
    const { detail = '' } = answer.body as { readonly detail?: string };
    return [`${url} is refused with ${answer.status}: ${detail} Give other parameters`];
  }
  return [
    `with everything up it is not complete (${lapses(answer).join(', ')}): the stubs do not answer what it needs; ` +
      `say what they do (answers)`,
  ];
}

function answerWhen(
  answers: readonly MatrixAnswer[],
  parts: readonly string[],
  behaviours: Combination,
): MatrixAnswer {
  const stranger = Object.keys(behaviours).find((name) => !parts.includes(name));
  if (stranger !== undefined) throw unknown('part', stranger, parts);
  const found = answers.find(({ when }) =>
    parts.every((part) => (when[part] ?? 'up') === (behaviours[part] ?? 'up')),
  );
  if (found === undefined) throw new RangeError(`not tried: ${JSON.stringify(behaviours)}`);
  return found;
}
