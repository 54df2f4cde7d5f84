import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { createApi } from '../gateway.js';
import { openApiDocument } from '../openapi.js';
import { loadGatewayConfig } from '../upstream/config/gateway-config.js';

/** `npm run openapi`: writes the API's OpenAPI document to `openapi.json`. */
const api = await createApi(loadGatewayConfig(), false);
await writeFile('openapi.json', `${JSON.stringify(openApiDocument(api), null, 2)}\n`);
await api.close();
