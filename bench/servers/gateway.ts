import 'reflect-metadata';
import { parseGateway } from '../../src/composite/config/gateway.js';
import { startGateway } from '../../src/gateway.js';
import { attend } from '../attend.js';
import { OVERVIEW_GATEWAY } from './overview-gateway.js';

/**
 * The composite as the service answers it: the API, the management side, and as much telemetry as the variable TELEMETRY
 * says, by JSON as it would stand in the gateway file.
 */
const telemetry = process.env['TELEMETRY'] ?? '{}';
const definition = parseGateway(`${OVERVIEW_GATEWAY}telemetry: ${telemetry}\n`);
const { api } = await startGateway(definition, { logger: false });
attend([Number(new URL(await api.getUrl()).port)]);
