import { type ReadPart } from './part-reading.js';
import { stitchHost } from './stitch-host.js';
import { isDropped } from './stitched-place.js';

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
    const host = stitchHost(join.items.tree, forEach.key, names);
    if ('expected' in host) {
      if (host.key === 'items') place.below('forEach', 'items').unexpected(host.expected);
      else stitch.unexpectedKey('it without key', `key next to it: ${host.expected}`);
      continue;
    }
    const into = hosts.find((part) => part.config.name === host.part);
    const { field: name } = forEach.collect;
    if (into?.config.hidden === true) {
      stitch.unexpectedKey(
        `it into ${host.part}, which is hidden`,
        'items that the response shows, or collect',
      );
    } else if (
      into?.isSound === true &&
      host.fields !== undefined &&
      isDropped(join.items, name, into.config)
    ) {
      stitch.unexpectedKey(
        `it into ${forEach.items}, where ${host.part} drops ${name} (pick, omit)`,
        'a field that the response shows, or collect',
      );
    }
    const field = JSON.stringify([forEach.items, forEach.collect.field]);
    const earlier = taken.get(field);
    if (earlier === undefined) taken.set(field, config.name);
    else stitch.unexpected(`another field: ${earlier} is stitched in as that already`);
  }
}
