import { type CompositePlan, type PlannedPart } from './plan.js';
import { msText } from './time-axis.js';

/** A plan as a Mermaid flowchart: an arrow from each part to those that wait for it; required ones have a thick border. */
export function planMermaid({ config, parts }: CompositePlan): string {
  const waiting = new Set(parts.filter(({ needs }) => needs.length > 0).map((part) => part.config.name));
  const awaited = new Set(parts.flatMap(({ needs }) => needs));
  const required = parts.filter((part) => part.config.required).map((part) => idOf(part.config.name));
  const lines = [
    'flowchart LR',
    `  request([${quoted(`${config.method} ${config.route}`)}])`,
    ...parts.map((part) => `  ${idOf(part.config.name)}${shaped(part)}`),
    `  response([${quoted('response')}])`,
    ...parts.flatMap(({ config: { name, when }, needs }) => {
      const arrow = when === undefined ? '-->' : `-. ${quoted(`when ${when}`)} .->`;
      const from = waiting.has(name) ? needs.map(idOf) : ['request'];
      return from.map((before) => `  ${before} ${arrow} ${idOf(name)}`);
    }),
    ...parts
      .filter((part) => !awaited.has(part.config.name))
      .map((part) => `  ${idOf(part.config.name)} --> response`),
  ];
  if (required.length > 0) {
    lines.push('  classDef required stroke-width:3px', `  class ${required.join(',')} required`);
  }
  return `${lines.join('\n')}\n`;
}

/** A list join as a stack of calls, everything else as a box. */
function shaped({ config }: PlannedPart): string {
  const { name, upstream, method, url, within, forEach } = config;
  const lines = [`<b>${escaped(name)}</b>`, escaped(`${upstream} ${method} ${url}`)];
  if (forEach !== undefined) lines.push(escaped(`for each of ${forEach.items}`));
  if (within !== undefined) lines.push(`within ${msText(within)}`);
  const text = `"${lines.join('<br/>')}"`;
  return forEach === undefined ? `[${text}]` : `[[${text}]]`;
}

/** A name that is no word of Mermaid's own, such as `end`. */
function idOf(part: string): string {
  return `part-${part}`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** Mermaid's own entities: a `#` begins one. */
function escaped(text: string): string {
  return text
    .replaceAll('#', '#35;')
    .replaceAll('"', '#quot;')
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;')
    .replaceAll('`', '#96;');
}
