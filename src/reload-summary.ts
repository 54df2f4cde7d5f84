import { isDeepStrictEqual } from 'node:util';
import { type CompositePlan } from './composite/plan.js';
import { type UpstreamChange } from './upstream/upstream-events.js';

/** What a reload has changed, by name. */
export interface ReloadChanges {
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly upstreams: readonly UpstreamChange[];
  /** Settings of the server and of telemetry that have another value now, by their paths in the file. */
  readonly settings: readonly string[];
}

export function reloadChanges(
  before: readonly CompositePlan[],
  after: readonly CompositePlan[],
  upstreams: readonly UpstreamChange[],
  settings: readonly string[],
): ReloadChanges {
  const was = new Map(before.map(({ config }) => [config.name, config]));
  const names = after.map(({ config }) => config.name);
  return {
    changed: after
      .filter(({ config }) => was.has(config.name) && !isDeepStrictEqual(was.get(config.name), config))
      .map(({ config }) => config.name),
    added: names.filter((name) => !was.has(name)),
    removed: [...was.keys()].filter((name) => !names.includes(name)),
    upstreams,
    settings,
  };
}

export function isNothing({ changed, added, removed, upstreams, settings }: ReloadChanges): boolean {
  return [changed, added, removed, upstreams, settings].every((names) => names.length === 0);
}

/** One line: `2 composites changed (a, b), 1 added (c); upstream offers: attemptTimeoutMs, retry` */
export function summaryOf({ changed, added, removed, upstreams, settings }: ReloadChanges): string {
  const composites = [
    ['changed', changed],
    ['added', added],
    ['removed', removed],
  ] as const;
  const counted = composites
    .filter(([, names]) => names.length > 0)
    .map(([what, names], at) => {
      const kind = names.length === 1 ? 'composite ' : 'composites ';
      return `${names.length} ${at === 0 ? kind : ''}${what} (${names.join(', ')})`;
    });
  return [
    ...(counted.length === 0 ? [] : [counted.join(', ')]),
    ...upstreams.map(ofUpstream),
    ...settings,
  ].join('; ');
}

function ofUpstream(change: UpstreamChange): string {
  const what = change.change === 'changed' ? `: ${change.settings.join(', ')}` : ` ${change.change}`;
  return `upstream ${change.upstream}${what}`;
}
