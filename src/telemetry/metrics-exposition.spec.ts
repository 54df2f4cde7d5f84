import { CounterFamily } from './counter-family.js';
import { HistogramFamily } from './histogram-family.js';
import { MetricsExposition } from './metrics-exposition.js';
import { ScrapedFamily } from './scraped-family.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

function exposition() {
  const counted = new CounterFamily('answers_total', 'Answers.');
  const observed = new HistogramFamily('answer_duration_seconds', 'Time to answer.', [0.5, 1]);
  const read = new ScrapedFamily('gauge', 'waiting', 'Who waits.', () => [[3], [4, { where: 'a "hall"\\' }]]);
  return { counted, observed, written: new MetricsExposition([{ families: [counted, observed, read] }]) };
}

describe('what a scrape is answered', () => {
  it('is the text format of Prometheus', async () => {
    const { counted, observed, written } = exposition();
    counted.series({ by: 'us' }).value += 2;
    const durations = observed.series({ by: 'us' });
    for (const seconds of [0.5, 0.25, 0.75, 2]) durations.observe(seconds, TRACE);
    expect(await written.write('text')).toEqual({
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      text: `# HELP answers_total Answers.
# TYPE answers_total counter
answers_total{by="us"} 2

# HELP answer_duration_seconds Time to answer.
# TYPE answer_duration_seconds histogram
answer_duration_seconds_bucket{le="0.5",by="us"} 2
answer_duration_seconds_bucket{le="1.0",by="us"} 3
answer_duration_seconds_bucket{le="+Inf",by="us"} 4
answer_duration_seconds_sum{by="us"} 3.5
answer_duration_seconds_count{by="us"} 4

# HELP waiting Who waits.
# TYPE waiting gauge
waiting 3
waiting{where="a \\"hall\\"\\\\"} 4
`,
    });
  });

  it('is OpenMetrics with the traces of the last values, and leaves the other format as it was', async () => {
    const { counted, observed, written } = exposition();
    counted.series({ by: 'us' }).value++;
    const durations = observed.series({});
    durations.observe(0.75, 'another');
    durations.observe(0.625, TRACE);
    durations.observe(5);
    const { contentType, text } = await written.write('openmetrics');
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(text.split('\n').slice(0, 7)).toEqual([
      '# HELP answers Answers.',
      '# TYPE answers counter',
      'answers_total{by="us"} 1',
      '# HELP answer_duration_seconds Time to answer.',
      '# TYPE answer_duration_seconds histogram',
      'answer_duration_seconds_bucket{le="0.5"} 0',
      expect.stringMatching(
        new RegExp(
          `^answer_duration_seconds_bucket\\{le="1.0"\\} 2 # \\{trace_id="${TRACE}"\\} 0.625 \\d+\\.?\\d*$`,
        ),
      ),
    ]);
    expect(text.endsWith('# EOF\n')).toBe(true);
    expect((await written.write('text')).text).toContain('\nanswers_total{by="us"} 1\n');
  });

  it('is without the series that were removed', async () => {
    const { counted, observed, written } = exposition();
    for (const by of ['us', 'them']) {
      counted.series({ by }).value++;
      observed.series({ by }).observe(1);
    }
    counted.remove('by', 'them');
    observed.remove('by', 'them');
    const { text } = await written.write('text');
    expect(text).toContain('by="us"');
    expect(text).not.toContain('them');
  });
});
