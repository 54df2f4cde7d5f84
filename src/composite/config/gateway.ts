import { checkedInput } from '../../upstream/config/checked-input.js';
import { type ConfigurationReport } from '../../upstream/config/configuration-report.js';
import { deepFrozen } from '../../upstream/config/deep-frozen.js';
import {
  type GatewayConfig,
  type GatewayConfigOptions,
  gatewayText,
  readGatewayFile,
} from '../../upstream/config/gateway-config.js';
import { type CompositePlan, planComposite } from '../plan.js';
import { compositesSchema } from './composite-schema.js';
import { settledComposite } from './settled-composite.js';

/** A whole gateway file: the upstreams, and the composites over them. */
export interface GatewayDefinition {
  readonly config: GatewayConfig;
  /** In the order of the file. */
  readonly composites: readonly CompositePlan[];
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
  const composites = plans(source.value, config, report);
  report.throwIfAny();
  return { config: deepFrozen(config), composites };
}

function plans(
  written: unknown,
  config: GatewayConfig,
  report: ConfigurationReport,
): readonly CompositePlan[] {
  const { composites = {} } = checkedInput(compositesSchema, written, report) ?? {};
  return Object.entries(composites).flatMap(
    ([name, composite]) => planComposite(settledComposite(name, composite), config, report) ?? [],
  );
}
