import { type ReadPart } from './part-reading.js';
import { stitchHost } from './stitch-host.js';

/**
 * Reports stitches whose values the response would not show, or would show at one place.
 *
 * @param hosts the parts they may be stitched into.
 */
export function reportStitches(parts: readonly ReadPart[], hosts: readonly ReadPart[]): void {
  const names = hosts.map(({ config }) => config.name);
  const taken = new Map<string, string>();
  for (const { config, join, place } of parts) {
    const { forEach } = config;
    if (join === undefined || forEach?.collect.form !== 'stitch') continue;
    const stitch = place.below('forEach', 'stitch');
    const host = stitchHost(forEach, names);
    if ('expected' in host) {
      if (host.key === 'items') place.below('forEach', 'items').unexpected(host.expected);
      else stitch.unexpectedKey('it without key', `key next to it: ${host.expected}`);
      continue;
    }
    if (hosts.some((part) => part.config.name === host.part && part.config.hidden)) {
      stitch.unexpectedKey(
        `it into ${host.part}, which is hidden`,
        'items that the response shows, or collect',
      );
    }
    const field = JSON.stringify([forEach.items, forEach.collect.field]);
    const earlier = taken.get(field);
    if (earlier === undefined) taken.set(field, config.name);
    else stitch.unexpected(`another field: ${earlier} is stitched in as that already`);
  }
}
