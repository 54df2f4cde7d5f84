import { type PartFault } from '../aggregation/part-fault.js';
import { type PartReport } from '../aggregation/part-report.js';
import { compositeRequest, RequestMistake } from '../composite/composite-request.js';
import { type CompositeConfig } from '../composite/config/composite-config.js';
import { takesBody } from '../composite/takes-body.js';
import { textTable, wrapped } from '../composite/text-table.js';
import { msText, TimeAxis } from '../composite/time-axis.js';
import { type InProcessAnswer, InProcessGateway } from '../in-process-gateway.js';
import { type Command, FILE_OPTIONS } from './command.js';
import { headersOf, jsonFrom, pairs } from './request-options.js';
import { UsageError } from './usage-error.js';

const COMPLETE = 0;
const FAILED = 1;
const PARTIAL = 3;

export const callCommand: Command = {
  description: [
    'Asks the upstreams of the file as a request would, without a server. Parameters are given by their names in the ' +
      'file, more than once for a list. The answer goes to stdout, the timeline of its parts to stderr.',
    'Exit code 0: complete; 3: partial; 1: failed, and the answer is the problem document; 2: not understood.',
  ],
  options: {
    ...FILE_OPTIONS,
    body: { help: 'the JSON body, or @FILE, or @- for stdin', value: 'JSON' },
    header: { help: 'a header of the request; may be repeated', value: 'NAME:VALUE', multiple: true },
    fields: { help: 'only these paths of the answer: a,b.c', value: 'PATHS' },
    report: { help: 'the report of the parts in the answer too, under _composite' },
  },
  async run(input, terminal) {
    const definition = input.definition();
    const plan = input.compositeOf(definition);
    const { config } = plan;
    const body = input.value('body');
    if (body !== undefined && !takesBody(plan)) {
      throw new UsageError(
        `found --body, and ${config.name} (${config.method} ${config.route}) takes no body`,
      );
    }
    const extras = {
      body: body === undefined ? undefined : await jsonFrom(body, terminal),
      headers: input.has('report') ? { prefer: 'report=body', ...headersOf(input) } : headersOf(input),
      fields: input.value('fields'),
    };
    const values = pairs(input.operands.slice(1));
    const request = usage(() => compositeRequest(config, values, extras));
    const gateway = await InProcessGateway.start(definition);
    const startedAt = performance.now();
    const answer = await gateway.ask(request);
    const tookMs = performance.now() - startedAt;
    await gateway.stop();
    terminal.out(pretty(answer.text));
    terminal.err(timeline(`${request.method} ${request.url}`, answer, tookMs, terminal.columns));
    terminal.err(faultsText(config, answer.faults, terminal.columns));
    return exitCode(answer);
  },
};

function exitCode({ status, report }: InProcessAnswer): number {
  if (status >= 400) return FAILED;
  return report?.complete === false ? PARTIAL : COMPLETE;
}

/** @throws UsageError instead of what is wrong with the request. */
function usage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RequestMistake ? new UsageError(error.message) : error;
  }
}

function pretty(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
  } catch {
    return text === '' ? '' : `${text}\n`;
  }
}

/** How the parts went, on one axis of time. */
function timeline(
  asked: string,
  { status, report }: InProcessAnswer,
  tookMs: number,
  columns: number,
): string {
  const ending = status >= 400 ? 'failed' : report?.complete === false ? 'partial' : 'complete';
  const head = `\n${asked}\n${status} ${ending} in ${msText(tookMs)}\n`;
  if (report === undefined || report.parts.length === 0) return head;
  return `${head}\n${partsTable(report.parts, ending === 'failed', columns)}\n`;
}

const RIGHT: ReadonlySet<number> = new Set([2, 3]);

function partsTable(parts: readonly PartReport[], hasFailed: boolean, columns: number): string {
  const endMs = Math.max(1, ...parts.map(({ startedAtMs = 0, durationMs }) => startedAtMs + durationMs));
  const rows = parts.map((part) => {
    const { startedAtMs, durationMs } = part;
    const times = wasAsked(part) ? [`+${startedAtMs ?? 0}`, msText(durationMs)] : ['', ''];
    return [part.part, ending(part, hasFailed), ...times];
  });
  const bare = textTable(rows, { right: RIGHT }).split('\n');
  // As much again as its last label may stand out.
  const taken = Math.max(...bare.map((line) => line.length)) + 10;
  const axis = new TimeAxis(endMs, columns - taken);
  const drawn = parts.map((part, index) => {
    const bar = wasAsked(part) ? axis.bar(part.startedAtMs ?? 0, part.durationMs) : '';
    return [...(rows[index] ?? []), bar];
  });
  return textTable([['', '', '', '', axis.ruler], ...drawn], { indent: '  ', right: RIGHT });
}

/** Whether it was on its way at all; one that was skipped took no time. */
function wasAsked({ state, startedAtMs, durationMs }: PartReport): boolean {
  return startedAtMs !== undefined && (state !== 'skipped' || durationMs > 0);
}

function ending(part: PartReport, hasFailed: boolean): string {
  const { state, reason, ageSeconds, items } = part;
  if (state === 'skipped' && hasFailed) return wasAsked(part) ? 'cancelled' : 'not asked';
  return [
    state,
    ...(reason === undefined ? [] : [reason]),
    ...(items === undefined ? [] : [`${items.done}/${items.of}`]),
    ...(ageSeconds === undefined ? [] : [`${ageSeconds} s old`]),
  ].join(' ');
}

/** Why parts failed or fell back; empty where none did. */
function faultsText({ parts }: CompositeConfig, faults: readonly PartFault[], columns: number): string {
  if (faults.length === 0) return '';
  const widest = Math.max(...faults.map(({ part }) => part.length));
  const rows = faults.map(({ part, detail, attempts }) => {
    const upstream = parts.find(({ name }) => name === part)?.upstream ?? '';
    const named = detail.startsWith(`upstream '${upstream}'`) ? detail : `upstream '${upstream}': ${detail}`;
    const text = `${named}${attemptsText(attempts)}`;
    return [part, wrapped(text, columns - widest - GAPS).split('\n')];
  });
  return `\n${textTable(rows, { indent: '  ' })}\n`;
}

/** The indent, and the gap between two columns. */
const GAPS = 4;

function attemptsText(attempts: number | undefined): string {
  if (attempts === undefined || attempts === 1) return '';
  return attempts === 0 ? ' (not sent)' : ` (${attempts} attempts)`;
}
