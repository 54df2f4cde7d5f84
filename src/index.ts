/** The public API. What is not here may change without notice. */

export {
  aggregate,
  type AggregateOptions,
  type Reported,
  thenAlso,
  withReport,
} from './aggregation/aggregate.js';
export {
  joinEach,
  type JoinBatch,
  type JoinBatchOptions,
  type JoinCallOptions,
} from './aggregation/join-each.js';
export { JoinedItems, type JoinKey } from './aggregation/joined-items.js';
export { AggregationModule } from './aggregation/aggregation.module.js';
export { ApiComposite, type ApiCompositeOptions, ApiProblem } from './aggregation/api-composite.js';
export {
  type FallbackOptions,
  optional,
  type Part,
  type PartOptions,
  type Parts,
  required,
  skipped,
  type Values,
} from './aggregation/part.js';
export { PartFailedError } from './aggregation/part-failed-error.js';
export { type CompositeReport, type PartReport, type PartState } from './aggregation/part-report.js';
export { type ProblemDocument } from './aggregation/problem.js';
export { gatewayServerOptions } from './aggregation/server-options.js';
export { CompositeModule } from './composite/composite.module.js';
export { type GatewayDefinition, loadGateway, parseGateway } from './composite/config/gateway.js';
export { UndiciHttpModule } from './http/undici-http.module.js';
export {
  createUndiciHttpService,
  type UndiciHttpOptions,
  UndiciHttpService,
} from './http/undici-http.service.js';
export { type ConfigurationProblem, ConfigurationError } from './upstream/config/configuration-error.js';
export {
  type CacheConfig,
  type GatewayConfig,
  type GatewayConfigOptions,
  loadGatewayConfig,
  parseGatewayConfig,
  type ServerConfig,
  type UpstreamConfig,
} from './upstream/config/gateway-config.js';
export { type UpstreamPolicy } from './upstream/config/policy-schema.js';
export { RequestContext, type RequestOrigin } from './upstream/request-context.js';
export { Upstream } from './upstream/upstream.js';
export { InvalidAnswerError } from './upstream/json-call.js';
export {
  type ParsedRequestOptions,
  type RequestOptions,
  UpstreamClient,
} from './upstream/upstream-client.js';
export { type FailureReason, UpstreamError } from './upstream/upstream-error.js';
export { type UpstreamEvent, UpstreamEvents } from './upstream/upstream-events.js';
export {
  type UpstreamOptions,
  UpstreamModule,
  type UpstreamRootOptions,
} from './upstream/upstream.module.js';
export { UpstreamHttpService } from './upstream/upstream-http.service.js';
export { UpstreamRegistry } from './upstream/upstream-registry.js';
export { type RecordedSpan } from './upstream/tracing/recorded-span.js';
export { type Trace } from './upstream/tracing/trace.js';
export { type TemplateValue, type TemplateValues } from './upstream/url-template.js';
