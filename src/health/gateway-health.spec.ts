import { impactOf } from './gateway-health.js';

describe('what an upstream means for the gateway', () => {
  it.each([
    ['up', true, 'up'],
    ['up', false, 'up'],
    ['unknown', true, 'up'],
    ['unknown', false, 'up'],
    ['degraded', true, 'degraded'],
    ['degraded', false, 'degraded'],
    ['down', true, 'down'],
    ['down', false, 'degraded'],
  ] as const)('%s, critical: %s -> %s', (status, critical, impact) => {
    expect(impactOf(status, critical)).toBe(impact);
  });
});
