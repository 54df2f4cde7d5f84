import { expositionFormatFor } from './exposition-format.js';

const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

describe('the format of a scrape', () => {
  it.each([
    ['Prometheus 2', PROMETHEUS_2],
    ['Prometheus 3', PROMETHEUS_3],
    ['who names nothing else', 'application/openmetrics-text'],
    ['who likes both as much', 'text/plain, Application/OpenMetrics-Text; version="1.0.0"'],
  ])('is OpenMetrics for %s', (_who, accept) => {
    expect(expositionFormatFor(accept)).toBe('openmetrics');
  });

  it.each([
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
    ['who says nothing', undefined],
    ['curl', '*/*'],
    ['who likes text more', 'application/openmetrics-text;q=0.5,text/plain'],
    ['who does not want it', 'application/openmetrics-text;q=0'],
    ['who asks with nonsense', 'application/openmetrics-text;q=much'],
    ['who knows an older version only', 'application/openmetrics-text;version=0.0.1,text/plain;q=0.1'],
  ])('is text for %s', (_who, accept) => {
    expect(expositionFormatFor(accept)).toBe('text');
  });
});
