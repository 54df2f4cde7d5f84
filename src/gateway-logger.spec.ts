import { GatewayLogger } from './gateway-logger.js';

/** What is written for one warning. */
function written(logger: GatewayLogger, log: (logger: GatewayLogger) => void): string {
  const lines: string[] = [];
  const keep = (line: unknown): boolean => lines.push(String(line)) > 0;
  const spies = [process.stdout, process.stderr].map((stream) =>
    jest.spyOn(stream, 'write').mockImplementation(keep),
  );
  log(logger);
  for (const spy of spies) spy.mockRestore();
  return lines.join('');
}

const warn = (logger: GatewayLogger): void => {
  logger.warn('it rains', 'Weather');
};

describe('GatewayLogger', () => {
  it.each([
    [true, undefined, true],
    [true, '', true],
    [true, '1', false],
    [false, undefined, false],
    [undefined, undefined, false],
  ])('on a terminal: %p, NO_COLOR=%p: coloured: %p', (isTTY, noColor, isColoured) => {
    const line = written(new GatewayLogger(false, { isTTY, noColor }), warn);
    expect(line).toContain('it rains');
    expect(line.includes('\u001b')).toBe(isColoured);
  });

  it('writes JSON without colours in production, wherever it goes', () => {
    const line = written(new GatewayLogger(true, { isTTY: true, noColor: undefined }), warn);
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', message: 'it rains', context: 'Weather' });
    expect(line).not.toContain('\u001b');
  });

  it('leaves to whoever starts it why Nest cannot listen', () => {
    const logger = new GatewayLogger(false, { isTTY: false, noColor: undefined });
    const error = (text: string, context: string): string =>
      written(logger, () => {
        logger.error(text, context);
      });
    expect(error('Error: listen EADDRINUSE', 'NestApplication')).toBe('');
    expect(error('another one', 'Problem')).toContain('another one');
  });
});
