import { isDeepStrictEqual } from 'node:util';
import { type UpstreamConfig } from './gateway-config.js';

/** The keys whose values differ, in the order in which `after` and then `before` has them. */
export function changedKeys(before: object, after: object): readonly string[] {
  const was = new Map<string, unknown>(Object.entries(before));
  const is = new Map<string, unknown>(Object.entries(after));
  const keys = new Set([...is.keys(), ...was.keys()]);
  return [...keys].filter((key) => !isDeepStrictEqual(was.get(key), is.get(key)));
}

/** What differs between two configurations of one upstream, by the names it has in the file. */
export function changedSettings(before: UpstreamConfig, after: UpstreamConfig): readonly string[] {
  return changedKeys(settingsOf(before), settingsOf(after));
}

function settingsOf({ name: _, policy, writtenPolicy: __, endpoints, ...settings }: UpstreamConfig): object {
  return { urls: endpoints, ...settings, ...policy };
}
