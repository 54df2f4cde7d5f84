import { type CompositeConfig, type ForEachConfig, type ParamConfig } from './config/composite-config.js';
import { type Forecast, type PartForecast } from './forecast.js';
import { type ForecastNote } from './forecast-notes.js';
import { type CompositePlan, type PlannedPart } from './plan.js';
import { type Cell, textTable, wrapped } from './text-table.js';
import { msText, TimeAxis } from './time-axis.js';

const INDENT = '  ';

/** A plan to be read: what is asked for, what waits for what, and how long and how much it is at worst. */
export function planText(plan: CompositePlan, forecast: Forecast, columns: number): string {
  const { name, method, route, summary } = plan.config;
  const sections = [
    `${name}: ${method} ${route}${summary === undefined ? '' : `\n${summary}`}`,
    about(plan.config, columns),
    partTable(plan, columns),
    worstCase(forecast, columns),
    upstreamLoad(forecast, columns),
    notesText(forecast.notes, columns),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Notes, each with a sign of its weight: `!` for a warning. */
export function notesText(notes: readonly ForecastNote[], columns: number): string {
  return notes
    .map(({ level, part, message }) => {
      const text = part === undefined ? message : `${part}: ${message}`;
      return `${level === 'warning' ? '!' : '·'} ${wrapped(text, columns - 2, INDENT)}`;
    })
    .join('\n');
}

function about(config: CompositeConfig, columns: number): string {
  const { params, bodySchema, auth, deadline, status, partialStatus = status } = config;
  const rows: (readonly [string, string])[] = [];
  if (params.length > 0) rows.push(['params', params.map(paramText).join(', ')]);
  if (bodySchema !== undefined) rows.push(['body', 'JSON that fits bodySchema']);
  if (auth !== undefined) rows.push(['auth', auth]);
  rows.push(['deadline', msText(deadline)]);
  rows.push([
    'status',
    partialStatus === status ? String(status) : `${status}, ${partialStatus} where a part fell back`,
  ]);
  return textTable(
    rows.map(([key, text]): Cell[] => [key, wrapped(text, columns - 12).split('\n')]),
    { indent: INDENT },
  );
}

function paramText({ name, in: place, required, schema }: ParamConfig): string {
  const fallback = schema['default'] === undefined ? '' : `, default ${JSON.stringify(schema['default'])}`;
  const needed = required && place !== 'path' ? ', required' : '';
  return `${name} (${place}${needed}${fallback})`;
}

function partTable({ parts }: CompositePlan, columns: number): string {
  const before = parts.map((part): [Cell, Cell, Cell] => {
    const { name, required, fallback } = part.config;
    return [name, part.needs.length === 0 ? '·' : part.needs, required ? 'all fails' : shortJson(fallback)];
  });
  const narrow = textTable([['part', 'waits for', 'if it fails'], ...before]).split('\n');
  const room = columns - INDENT.length - Math.max(...narrow.map((line) => line.length)) - 2;
  const rows = parts.map((part, index) => [
    ...(before[index] ?? []),
    asksLines(part).flatMap((line) => wrapped(line, room, INDENT).split('\n')),
  ]);
  const headings = ['part', 'waits for', 'if it fails', 'asks'];
  return textTable([headings, ...rows], { indent: INDENT, heading: true });
}

function asksLines({ config }: PlannedPart): readonly string[] {
  const { upstream, method, url, within, when, forEach } = config;
  return [
    `${upstream} ${method} ${url}`,
    ...(when === undefined ? [] : [`when ${when}`]),
    ...(forEach === undefined ? [] : [joinText(forEach)]),
    ...(within === undefined ? [] : [`within ${msText(within)}`]),
  ];
}

function joinText({ items, batch, maxItems, concurrency }: ForEachConfig): string {
  const calls = batch === undefined ? 'a call each' : `${batch.size} a call`;
  return `for each of ${items}: ${calls}, ${concurrency} at once, at most ${maxItems}`;
}

const SHORT = 16;

function shortJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= SHORT ? json : `${json.slice(0, SHORT - 1)}…`;
}

const AXIS_WIDTH = 40;

function worstCase({ parts, deadlineMs, worstMs, criticalPath }: Forecast, columns: number): string {
  const widest = Math.max(...parts.map(({ part }) => part.length), 'at worst'.length);
  const axis = new TimeAxis(Math.max(worstMs, deadlineMs), Math.min(AXIS_WIDTH, columns - widest - 24));
  const rows = parts.map((part) => [
    part.part,
    callsText(part),
    msText(part.worstMs),
    axis.bar(part.startsAtMs, part.worstMs),
  ]);
  const last = criticalPath.length > 1 ? `  ${criticalPath.join(' → ')}` : '';
  const deadline = ['deadline', '', msText(deadlineMs), axis.mark(deadlineMs)];
  const table = textTable([['at worst', 'calls', 'time', axis.ruler], ...rows, deadline], {
    indent: INDENT,
    right: new Set([1, 2]),
    heading: true,
  });
  return `${table}\n\n${INDENT}${msText(worstMs)} of ${msText(deadlineMs)}${last}`;
}

/** `2` for one call that may be repeated once, `200 x 2` for a join. */
function callsText({ calls, attemptsPerCall }: PartForecast): string {
  return calls === 1 || attemptsPerCall === 1
    ? String(calls * attemptsPerCall)
    : `${calls} x ${attemptsPerCall}`;
}

function upstreamLoad({ upstreams, calls, attempts }: Forecast, columns: number): string {
  const each = upstreams.map((load) => `${load.upstream} ${load.attempts}`).join(', ');
  const repeated =
    attempts === calls
      ? ''
      : ` (${calls} without a retry or hedge; over time the retry budget of each upstream lets through far fewer)`;
  return wrapped(
    `A request makes at most ${attempts} ${attempts === 1 ? 'call' : 'calls'}: ${each}${repeated}.`,
    columns,
  );
}
