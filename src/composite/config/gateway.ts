import { checkedInput } from '../../upstream/config/checked-input.js';
import { type ConfigurationSource } from '../../upstream/config/configuration-source.js';
import { deepFrozen } from '../../upstream/config/deep-frozen.js';
import {
  type GatewayConfig,
  type GatewayConfigOptions,
  gatewayText,
  readGatewayFile,
} from '../../upstream/config/gateway-config.js';
import { UpstreamDocuments } from '../openapi/upstream-documents.js';
import { type CompositePlan, planComposite } from '../plan.js';
import { compositesSchema } from './composite-schema.js';
import { Place } from './place.js';
import { checkDistinctRoutes } from './route.js';
import { settledComposite } from './settled-composite.js';

/** A whole gateway file: the upstreams, and the composites over them. */
export interface GatewayDefinition {
  readonly config: GatewayConfig;
  /** In the order of the file. */
  readonly composites: readonly CompositePlan[];
  /** Where everything in it stands, for what only the server can find wrong. */
  readonly source: ConfigurationSource;
  /** As it was read. */
  readonly text: string;
}

/**
 * Reads, checks and plans a gateway file with its composites.
 *
 * @throws ConfigurationError with everything that is wrong with it, or because it cannot be read.
 */
export function loadGateway(options: GatewayConfigOptions = {}): GatewayDefinition {
  return parseGateway(gatewayText(options.file ?? 'gateway.yaml'), options);
}

/**
 * As loadGateway, for a text.
 *
 * @throws ConfigurationError with everything that is wrong with it.
 */
export function parseGateway(text: string, options: GatewayConfigOptions = {}): GatewayDefinition {
  const { source, report, config } = readGatewayFile(text, options);
  const composites = plans(new Place([], source.value, report), config);
  report.throwIfAny();
  return { config: deepFrozen(config), composites, source, text };
}

function plans(file: Place, config: GatewayConfig): readonly CompositePlan[] {
  // What is no group has been said of the file as a whole.
  if (typeof file.value !== 'object' || file.value === null) return [];
  const { composites = {} } = checkedInput(compositesSchema, file.value, file.report) ?? {};
  const settled = Object.entries(composites).map(([name, composite]) =>
    settledComposite(name, composite, file.below('composites', name)),
  );
  checkDistinctRoutes(settled, file);
  const documents = new UpstreamDocuments(config, file.report);
  return settled.flatMap((composite) => {
    const plan = planComposite(composite, config, file);
    const operations = documents.operations(composite);
    return plan === undefined ? [] : [{ ...plan, operations }];
  });
}
