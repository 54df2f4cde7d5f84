import { z } from 'zod';
import { PRIORITIES } from '../../resilience/admission.js';
import { addressRange } from './address-range.js';
import { adminToken } from './admin-token.js';
import { endpointUrl } from './endpoint-url.js';
import { headerName, headerValue, NO_WILDCARD } from './http-header.js';
import { group, policySchema } from './policy-schema.js';
import { byteSize, count, duration, flag, percent } from './quantities.js';
import { redisUrl } from './redis-url.js';
import { telemetrySchema } from './telemetry-config.js';

const HEALTH_PATH = 'a path such as /health, without fragment';
const REDIS_NAMESPACE = 'letters, digits, _, . and -, at most 64 of them';
const OPENAPI_FILE = 'the path of a local file: an OpenAPI document, in YAML or JSON';
const HOST = 'a host name or an IP address to listen on';

const endpointUrls = z
  .array(endpointUrl, { error: 'a list of URLs' })
  .min(1, { error: 'at least one URL' })
  .superRefine((urls, context) => {
    for (const [index, url] of urls.entries()) {
      if (urls.indexOf(url) < index)
        context.addIssue({ code: 'custom', path: [index], message: 'each URL once' });
    }
  });

const health = group({
  path: z
    .string({ error: HEALTH_PATH })
    .regex(/^\/(?!\/)[^\s#\\]*$/, { error: HEALTH_PATH })
    .optional(),
  intervalMs: duration().optional(),
  jitterPercent: percent({ zero: 'allowed' }).optional(),
  timeoutMs: duration().optional(),
});

const DISCOVERY_TYPES = ['logical-dns', 'strict-dns'] as const;

const discovery = group({
  type: z.enum(DISCOVERY_TYPES, { error: `one of ${DISCOVERY_TYPES.join(', ')}` }).optional(),
  refreshMs: duration(100).optional(),
});

const upstream = group({
  url: endpointUrl.optional(),
  urls: endpointUrls.optional(),
  discovery: discovery.optional(),
  critical: flag().optional(),
  health: health.nullable().optional(),
  headers: z.record(headerName, headerValue, { error: 'a group of headers by name' }).optional(),
  forwardHeaders: z
    .array(
      headerName
        .refine((name) => name !== 'host', {
          error: 'another header: host names the gateway, not the upstream',
        })
        .refine((name) => !name.includes('*'), { error: NO_WILDCARD }),
      { error: 'a list of header names' },
    )
    .optional(),
  deadlineHeader: headerName.nullable().optional(),
  attemptCountHeader: headerName.nullable().optional(),
  openapi: z
    .string({ error: OPENAPI_FILE })
    .regex(/^(?![a-zA-Z][a-zA-Z\d+.-]+:).*\S/, { error: OPENAPI_FILE })
    .optional(),
  ...policySchema.shape,
});

const ROUTE_PREFIX = 'the beginning of a route, such as /reports';

const admission = group({
  maxInFlight: count(1, 1_000_000).nullable().optional(),
  defaultSharePercent: percent({ zero: 'refused' }).optional(),
  sheddableSharePercent: percent({ zero: 'refused' }).optional(),
  maxLoopDelayMs: duration().nullable().optional(),
  priorities: z
    .record(
      z.string().regex(/^\/(?!\/)[^\s#?\\]*$/, { error: ROUTE_PREFIX }),
      z.enum(PRIORITIES, { error: `one of ${PRIORITIES.join(', ')}` }),
      { error: 'a group of priorities by the beginning of a route' },
    )
    .optional(),
});

const server = group({
  host: z.string({ error: HOST }).regex(/^\S+$/, { error: HOST }).optional(),
  port: count(0, 65_535).optional(),
  managementHost: z.string({ error: HOST }).regex(/^\S+$/, { error: HOST }).optional(),
  managementPort: count(0, 65_535).optional(),
  adminToken: adminToken.nullable().optional(),
  shutdownGraceMs: duration(0).optional(),
  shutdownDrainMs: duration(0).optional(),
  trustedCallers: z.array(addressRange, { error: 'a list of IP addresses and CIDR ranges' }).optional(),
  deadlineHeader: headerName.nullable().optional(),
  attemptCountHeader: headerName.nullable().optional(),
  admission: admission.optional(),
  reload: group({ watch: flag().optional(), intervalMs: duration(100).optional() }).optional(),
});

const cache = group({
  maxBytes: byteSize().optional(),
  redisUrl: redisUrl.nullable().optional(),
  redisTimeoutMs: duration().optional(),
  redisNamespace: z
    .string({ error: REDIS_NAMESPACE })
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: REDIS_NAMESPACE })
    .optional(),
});

/** The keys of a gateway file. Whether their values fit each other is checked when they are settled. */
export const gatewaySchema = group({
  server: server.optional(),
  cache: cache.optional(),
  telemetry: telemetrySchema.optional(),
  defaults: policySchema.optional(),
  upstreams: z.record(z.string(), upstream, { error: 'a group of upstreams by name' }).optional(),
  /** Read by the layer that knows what a composite is. */
  composites: z.unknown().optional(),
});

export type WrittenUpstream = z.output<typeof upstream>;
export type WrittenCache = z.output<typeof cache>;
export type WrittenServer = z.output<typeof server>;
