const { stdout } = require('node:process');

const TITLE = /^\[([^\]]+)\]/;

/** Counts the scenarios of each source, and those that differ on purpose. */
module.exports = class SummaryReporter {
  onRunComplete(_contexts, { testResults }) {
    const rows = new Map();
    for (const { title, status } of testResults.flatMap((file) => file.testResults)) {
      const source = TITLE.exec(title)?.[1] ?? 'properties and leaks';
      const row = rows.get(source) ?? { scenarios: 0, differ: 0, failed: 0 };
      row.scenarios++;
      if (title.includes('[differs: ')) row.differ++;
      if (status !== 'passed') row.failed++;
      rows.set(source, row);
    }
    const sorted = [...rows].sort(([, one], [, other]) => other.scenarios - one.scenarios);
    const total = { scenarios: 0, differ: 0, failed: 0 };
    for (const [, row] of sorted) for (const key of Object.keys(total)) total[key] += row[key];
    const line = (name, { scenarios, differ, failed }) =>
      `${name.padEnd(22)}${String(scenarios).padStart(10)}${String(differ).padStart(10)}${String(failed).padStart(10)}\n`;
    const head = line('source', { scenarios: 'scenarios', differ: 'differ', failed: 'failed' });
    stdout.write(`\n${head}${sorted.map(([name, row]) => line(name, row)).join('')}${line('all', total)}`);
  }
};
