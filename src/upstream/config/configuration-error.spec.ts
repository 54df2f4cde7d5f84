import { ConfigurationError } from './configuration-error.js';

describe('ConfigurationError', () => {
  it('has a line for every problem, in the order of the file', () => {
    const file = 'gateway.yaml';
    const error = new ConfigurationError([
      { file, line: 12, column: 7, path: 'upstreams.orders.retry.maxAttemps', message: 'unknown key' },
      { file, line: 3, column: 9, path: 'server.port', message: 'found x' },
      { file, line: 3, column: 1, path: '', message: 'found a tab' },
    ]);
    expect(error.message.split('\n')).toEqual([
      'gateway.yaml:3:1  found a tab',
      'gateway.yaml:3:9  server.port: found x',
      'gateway.yaml:12:7  upstreams.orders.retry.maxAttemps: unknown key',
    ]);
    expect(error.problems.map(({ line }) => line)).toEqual([3, 3, 12]);
    expect(error.name).toBe('ConfigurationError');
  });

  it('names the file alone where there is no place in it', () => {
    const error = new ConfigurationError([
      { file: 'gateway.yaml', path: '', message: 'there is no such file' },
    ]);
    expect(error.message).toBe('gateway.yaml  there is no such file');
  });

  it('names the path alone for a mistake in code', () => {
    const path = "UpstreamModule.register({ name: 'order' })";
    const error = new ConfigurationError([{ path, message: "upstream 'order' is not in gateway.yaml" }]);
    expect(error.message).toBe(
      "UpstreamModule.register({ name: 'order' }): upstream 'order' is not in gateway.yaml",
    );
  });
});
