import { type Layer } from '../resilience/call.js';
import { Flights } from '../resilience/coalesce.js';
import { type SharedCall, withCoalescing } from '../resilience/coalesce.operator.js';
import { type Link } from '../resilience/link.js';
import { AnswerCache } from './cache/answer-cache.js';
import { withCache } from './cache/cache.operator.js';
import { copierOf } from './shared-answer.js';
import { SharedRequests } from './shared-request.js';
import { type UpstreamCall, type UpstreamResponse } from './upstream-call.js';
import { type UpstreamSetup } from './upstream-setup.js';

type SharingLayer = Layer<UpstreamResponse, UpstreamCall>;

/** The layers by which calls share answers, one after the other and at the same time; undefined where it is off. */
export interface SharingLayers {
  readonly cache: SharingLayer | undefined;
  readonly coalesce: SharingLayer | undefined;
}

export function sharingLayers(
  upstream: Pick<UpstreamSetup, 'config' | 'http' | 'policy' | 'runtime'>,
): SharingLayers {
  const { policy, config, http } = upstream;
  if (!policy.cache.enabled && !policy.coalesce.enabled) return { cache: undefined, coalesce: undefined };
  const requests = new SharedRequests(config, http);
  return {
    cache: policy.cache.enabled ? cacheLayer(upstream, requests) : undefined,
    coalesce: policy.coalesce.enabled ? coalesceLayer(upstream, requests) : undefined,
  };
}

function cacheLayer(
  { config, policy, runtime }: Pick<UpstreamSetup, 'config' | 'policy' | 'runtime'>,
  requests: SharedRequests,
): SharingLayer | undefined {
  const { answers, clock, events } = runtime;
  if (answers === undefined) return undefined;
  const cache = new AnswerCache({
    upstream: config.name,
    policy: policy.cache,
    requests,
    events,
    ...answers,
  });
  return withCache(cache, clock, policy.deadlineMs);
}

function coalesceLayer(
  { config, policy, runtime }: Pick<UpstreamSetup, 'config' | 'policy' | 'runtime'>,
  requests: SharedRequests,
): SharingLayer {
  const { clock, events } = runtime;
  return withCoalescing<UpstreamResponse, UpstreamCall>(
    new Flights<Link<UpstreamResponse>, SharedCall<UpstreamCall>>(),
    {
      keyOf: (call) => requests.of(call)?.key,
      changes: (call) => requests.changes(call),
      detached: (call) => call.detached(clock.now(), policy.deadlineMs),
      // Or an upstream that hangs would never open its breaker where callers wait no longer than an attempt may take.
      onLastLeaves: (shared, last) => {
        shared.ownDeadlineAt = last.ownDeadlineAt;
      },
      copier: copierOf,
      onJoin: (call) => {
        if (!events.active) return;
        call.runInAsyncScope(() => {
          events.emit({ type: 'coalesced', upstream: config.name });
        });
      },
    },
  );
}
