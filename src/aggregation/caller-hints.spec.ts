import { CallerHintReader, TRUST_NOBODY } from './caller-hints.js';

const WAIT = 'x-envoy-expected-rq-timeout-ms';
const ATTEMPT = 'x-envoy-attempt-count';
const INSIDE = '10.1.2.3';

function reader(trustedCallers: readonly string[] = ['10.0.0.0/8']): CallerHintReader {
  return new CallerHintReader({ trustedCallers, deadlineHeader: WAIT, attemptCountHeader: ATTEMPT });
}

const waitOf = (text: string | string[]) => reader().read({ [WAIT]: text }, INSIDE).waitMs;
const believed = (ranges: readonly string[], address: string | undefined) =>
  reader(ranges).read({ [WAIT]: '5' }, address).waitMs === 5;

describe('a caller that is trusted', () => {
  it.each(['0', '1', '250', '007', '999999999'])('waits %s ms, as it says', (text) => {
    expect(waitOf(text)).toBe(Number(text));
  });

  it.each([
    '',
    ' ',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    ' 5',
    '5ms',
    '5, 6',
    'soon',
    '1000000000',
    '9'.repeat(400),
  ])('waits as long as anybody where it says %j', (text) => {
    expect(waitOf(text)).toBeUndefined();
  });

  it('waits as long as anybody where it says several things', () => {
    expect(waitOf(['5', '6'])).toBeUndefined();
  });

  it.each([
    ['2', true],
    ['17', true],
    ['1', false],
    ['0', false],
    ['-2', false],
    ['two', false],
    ['2.5', false],
  ])('repeats a request where it counts %s: %p', (count, retriedAbove) => {
    expect(reader().read({ [ATTEMPT]: count }, INSIDE).retriedAbove).toBe(retriedAbove);
  });

  it('may say both, or neither', () => {
    const both = reader().read({ [WAIT]: '5', [ATTEMPT]: '2' }, INSIDE);
    expect(both).toEqual({ waitMs: 5, retriedAbove: true });
    expect(reader().read({}, INSIDE)).toEqual({ waitMs: undefined, retriedAbove: false });
  });
});

describe('who is trusted', () => {
  it.each<[string, readonly string[], string | undefined, boolean]>([
    ['an address within a range', ['10.0.0.0/8'], '10.255.0.1', true],
    ['an address outside it', ['10.0.0.0/8'], '11.0.0.1', false],
    ['that address', ['192.0.2.7'], '192.0.2.7', true],
    ['its neighbour', ['192.0.2.7'], '192.0.2.8', false],
    ['a range whose first address is not its lowest', ['10.1.2.3/8'], '10.200.0.1', true],
    ['an IPv4 address as IPv6 has it', ['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    ['the same, outside', ['10.0.0.0/8'], '::ffff:11.0.0.1', false],
    ['an IPv6 address within a range', ['fc00::/7'], 'fd12:3456::1', true],
    ['an IPv6 address outside it', ['fc00::/7'], '2001:db8::1', false],
    ['loopback', ['::1/128'], '::1', true],
    ['a link-local address with its interface', ['fe80::/10'], 'fe80::1%eth0', true],
    ['the second of two ranges', ['10.0.0.0/8', '192.168.0.0/16'], '192.168.4.4', true],
    ['everybody of one version', ['0.0.0.0/0'], '2001:db8::1', false],
    ['nobody', [], '127.0.0.1', false],
    ['a socket without an address', ['0.0.0.0/0', '::/0'], undefined, false],
    ['an address that is none', ['0.0.0.0/0', '::/0'], 'unix:/run/gateway', false],
  ])('%s', (_who, ranges, address, trusted) => {
    expect(believed(ranges, address)).toBe(trusted);
  });
});

it('does not read a header that has no name', () => {
  const headers = { [WAIT]: '5', [ATTEMPT]: '2' };
  const options = { trustedCallers: ['0.0.0.0/0'], deadlineHeader: null, attemptCountHeader: null };
  const nothing = { waitMs: undefined, retriedAbove: false };
  expect(new CallerHintReader(options).read(headers, INSIDE)).toEqual(nothing);
  expect(new CallerHintReader(TRUST_NOBODY).read(headers, INSIDE)).toEqual(nothing);
});
