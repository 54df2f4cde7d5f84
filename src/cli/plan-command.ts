import { forecastOf } from '../composite/forecast.js';
import { planJson } from '../composite/plan-json.js';
import { planMermaid } from '../composite/plan-mermaid.js';
import { planText } from '../composite/plan-text.js';
import { type Command, FILE_OPTIONS } from './command.js';
import { UsageError } from './usage-error.js';

export const planCommand: Command = {
  description: [
    'What each part waits for and asks, and the worst case: the calls with all retries and hedges, and the time if ' +
      'every attempt runs into its timeout, every backoff is as long as it may be, and every `when` holds.',
    '! is a warning: probably not what you mean. · is good to know.',
  ],
  options: {
    ...FILE_OPTIONS,
    format: {
      help: 'text (the default), mermaid (for a page), or json (for a program)',
      value: 'FORMAT',
      oneOf: ['text', 'mermaid', 'json'],
    },
    json: { help: 'the same as --format json' },
  },
  run(input, terminal) {
    input.takesNoMoreThan(1);
    if (input.has('json') && (input.value('format') ?? 'json') !== 'json') {
      throw new UsageError(`found --json and --format ${input.value('format') ?? ''}; expected one of them`);
    }
    const definition = input.definition();
    const plan = input.compositeOf(definition);
    const forecast = forecastOf(plan, definition.config);
    const format = input.has('json') ? 'json' : (input.value('format') ?? 'text');
    if (format === 'mermaid') terminal.out(planMermaid(plan));
    else if (format === 'json') terminal.out(`${JSON.stringify(planJson(plan, forecast), null, 2)}\n`);
    else terminal.out(planText(plan, forecast, terminal.columns));
    return Promise.resolve(0);
  },
};
