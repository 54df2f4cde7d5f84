import { type Priority } from '../resilience/admission.js';
import { RequestPriorities } from './request-priority.js';

const priorities = new RequestPriorities({
  '/reports': 'sheddable',
  '/reports/urgent': 'critical',
  '/checkout': 'critical',
  '/batch/': 'sheddable',
  '/stock/{sku}/history': 'sheddable',
});

describe('the priority of a request', () => {
  it.each<[string, Priority]>([
    ['/customers/:id/overview', 'default'],
    ['/reports', 'sheddable'],
    ['/reports/:id', 'sheddable'],
    ['/reportsheet', 'default'],
    ['/reports/urgent', 'critical'],
    ['/reports/urgent/:id', 'critical'],
    ['/batch/:id', 'sheddable'],
    ['/stock/:sku', 'default'],
    ['/stock/:sku/history', 'sheddable'],
    ['/stock/:sku/history/:day', 'sheddable'],
    ['/checkout', 'critical'],
    ['', 'default'],
  ])('is that of the longest prefix of its route: %s', (route, priority) => {
    expect(priorities.of(route, undefined)).toBe(priority);
  });

  it.each<[string | string[], Priority]>([
    ['u=5', 'sheddable'],
    ['u=4', 'sheddable'],
    ['i, u=7', 'sheddable'],
    ['u=6;x=1, i', 'sheddable'],
    [['i', 'u=5'], 'sheddable'],
    ['u=3', 'critical'],
    ['u=0', 'critical'],
    ['u=8', 'critical'],
    ['u=55', 'critical'],
    ['xu=5', 'critical'],
    ['i', 'critical'],
    ['', 'critical'],
  ])('is lowered by a client that asks for less: Priority: %s', (field, priority) => {
    expect(priorities.of('/checkout', field)).toBe(priority);
  });

  it('is raised by no client', () => {
    expect(priorities.of('/reports', 'u=0')).toBe('sheddable');
    expect(priorities.of('/customers', 'u=0')).toBe('default');
  });

  it('may be given to everything', () => {
    expect(new RequestPriorities({ '/': 'sheddable' }).of('/anything/:id', undefined)).toBe('sheddable');
  });
});

describe('a prefix above no route', () => {
  const routes = ['/', '/reports/weekly', '/stock/:sku/history', '/docs'];
  const idle = (prefix: string) => new RequestPriorities({ [prefix]: 'sheddable' }).idleAmong(routes);

  it.each([
    ['/reprots', '/reports'],
    ['/Reports', '/reports'],
    ['/reports/weekly/', '/reports/weekly'],
    ['/stock/{product}/history', '/stock/:sku/history'],
    ['/stock/:sku/histori', '/stock/:sku/history'],
    ['/checkout', undefined],
  ])('is told, with what was probably meant: %s', (prefix, meant) => {
    expect(idle(prefix)).toEqual([{ prefix, meant }]);
  });

  it.each(['/', '/reports', '/reports/', '/reports/weekly', '/stock/{sku}', '/stock/:sku/history'])(
    'is not %s',
    (prefix) => {
      expect(idle(prefix)).toEqual([]);
    },
  );
});
