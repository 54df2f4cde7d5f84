import { type FastifyInstance } from 'fastify';
import { TestGateway } from '../../aggregation/testing/test-gateway.js';
import { UpstreamModule } from '../../upstream/upstream.module.js';
import { CompositeModule } from '../composite.module.js';
import { parseGateway } from '../config/gateway.js';

/** What stands in a gateway file; JSON is YAML. */
export interface WrittenGateway {
  readonly server?: object;
  readonly upstreams: Readonly<Record<string, object>>;
  readonly composites: Readonly<Record<string, object>>;
}

/** The client, the gateway and its upstreams share a process: where that stalls, it is no overload. */
const UNSHED = { admission: { maxInFlight: null, maxLoopDelayMs: null } };

/** A gateway that serves these composites on a port of its own. */
export function serveComposites(
  written: WrittenGateway,
  prepare?: (fastify: FastifyInstance) => void,
): Promise<TestGateway> {
  const { config, composites } = parseGateway(JSON.stringify({ server: UNSHED, ...written }), { env: {} });
  const imports = [UpstreamModule.forRoot({ config }), CompositeModule.forRoot(composites)];
  return TestGateway.start({ imports }, prepare);
}
