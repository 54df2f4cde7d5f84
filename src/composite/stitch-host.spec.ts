import { parsedExpression } from './expression-syntax.js';
import { stitchHost, type StitchFlaw, type StitchHost } from './stitch-host.js';

const PARTS = ['order', 'orders', 'cart'];

function hostOf(items: string, key: string | undefined = 'sku'): StitchHost | StitchFlaw {
  return stitchHost(parsedExpression(items), key, PARTS);
}

describe('the part that values are stitched into', () => {
  it.each([
    ['order.lines', 'order', ['lines']],
    ['order.lines[*]', 'order', ['lines']],
    ['order.lines[0]', 'order', ['lines']],
    ['order.lines[2:5]', 'order', ['lines']],
    ['orders', 'orders', []],
    ['orders[].lines[]', 'orders', ['lines']],
    ['orders[].lines[].parts[]', 'orders', ['lines', 'parts']],
    ['order.lines[?quantity > `1`]', 'order', ['lines']],
    ['order.lines[?sku == $.cart.sku]', 'order', ['lines']],
    ['order | lines', 'order', ['lines']],
    ['@.order.lines', 'order', ['lines']],
    ['$.order.lines', 'order', ['lines']],
    ['order.lines || `[]`', 'order', ['lines']],
    ['order.lines || order.items', 'order', ['lines', 'items']],
    ['order.lines && order.lines', 'order', ['lines']],
    ['order.open ? order.lines : `null`', 'order', ['lines']],
    ['sort_by(order.lines, &sku)', 'order', ['lines']],
    ['reverse(order.lines)', 'order', ['lines']],
    ['not_null(order.lines, order.items)', 'order', ['lines', 'items']],
    ['[order.first, order.last]', 'order', ['first', 'last']],
    ['map(&line, order.entries)', 'order', ['entries', 'line']],
    ['let $o = order in $o.lines', 'order', ['lines']],
  ])('of %s is %s, by way of %j', (items, part, fields) => {
    expect(hostOf(items)).toEqual({ part, fields: new Set(fields) });
  });

  it.each(['order.*', 'orders[].*[]', 'values(order)', 'order.groups.*.lines[]'])(
    'may be reached through any field, as in %s',
    (items) => {
      expect(hostOf(items)).toMatchObject({ fields: undefined });
    },
  );
});

describe('nothing can be stitched into', () => {
  it.each([
    ['order.lines[].{sku: sku}', '{...}'],
    ['orders[].{lines: lines}.lines[]', '{...}'],
    ['merge(order, cart)', 'merge()'],
    ['group_by(order.lines, &sku)', 'group_by()'],
    ['from_items(order.pairs)', 'from_items()'],
    ['`[{"sku":"a"}]`', 'a literal'],
    ['order.lines || `[{"sku":"a"}]`', 'a literal'],
    ['order.lines == cart.lines', 'what it works out'],
    ['!(order.lines)', 'what it works out'],
  ])('%s, as %s makes new ones', (items, what) => {
    expect(hostOf(items)).toMatchObject({
      key: 'items',
      expected: expect.stringContaining(`${what} makes new ones`) as string,
    });
  });

  it.each([
    ['body.lines', 'body'],
    ['params.ids', 'params'],
    ['[order.lines, cart.lines][]', 'order and cart'],
    ['order.lines || cart.lines', 'order and cart'],
    ['@', ''],
    ['`[]`', ''],
    ['*.lines', ''],
  ])('%s, which are no items of one part', (items, found) => {
    const flaw = hostOf(items);
    expect(flaw).toMatchObject({ key: 'items' });
    expect('expected' in flaw && flaw.expected).toContain('items of one part');
    expect('expected' in flaw && flaw.expected).toContain(found);
  });

  it('items without a key', () => {
    const { key, ...flaw } = stitchHost(parsedExpression('order.lines'), undefined, PARTS) as StitchFlaw;
    expect([key, flaw]).toEqual(['key', { expected: 'JMESPath over an item: its key, such as sku' }]);
  });
});
