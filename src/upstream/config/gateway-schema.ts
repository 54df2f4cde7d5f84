import { z } from 'zod';
import { endpointUrl } from './endpoint-url.js';
import { headerName, headerValue } from './http-header.js';
import { group, policySchema } from './policy-schema.js';
import { count, duration, flag } from './quantities.js';

const HEALTH_PATH = 'a path such as /health, without fragment';
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
  timeoutMs: duration().optional(),
});

const upstream = group({
  url: endpointUrl.optional(),
  urls: endpointUrls.optional(),
  critical: flag().optional(),
  health: health.nullable().optional(),
  headers: z.record(headerName, headerValue, { error: 'a group of headers by name' }).optional(),
  forwardHeaders: z
    .array(
      headerName.refine((name) => name !== 'host', {
        error: 'another header: host names the gateway, not the upstream',
      }),
      { error: 'a list of header names' },
    )
    .optional(),
  deadlineHeader: headerName.nullable().optional(),
  ...policySchema.shape,
});

const server = group({
  host: z.string({ error: HOST }).regex(/^\S+$/, { error: HOST }).optional(),
  port: count(0, 65_535).optional(),
  managementHost: z.string({ error: HOST }).regex(/^\S+$/, { error: HOST }).optional(),
  managementPort: count(0, 65_535).optional(),
  shutdownGraceMs: duration(0).optional(),
  shutdownDrainMs: duration(0).optional(),
});

/** The keys of a gateway file. Whether their values fit each other is checked when they are settled. */
export const gatewaySchema = group({
  server: server.optional(),
  defaults: policySchema.optional(),
  upstreams: z.record(z.string(), upstream, { error: 'a group of upstreams by name' }).optional(),
});

export type WrittenUpstream = z.output<typeof upstream>;
export type WrittenServer = z.output<typeof server>;
