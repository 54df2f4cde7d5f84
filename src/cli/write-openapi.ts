import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { createApi } from '../gateway.js';
import { openApiDocument } from '../openapi.js';
import { StorefrontModule } from '../storefront/storefront.module.js';
import { loadGateway } from '../composite/config/gateway.js';

/** `npm run openapi`: writes the API's OpenAPI document to `openapi.json`. */
const api = await createApi(loadGateway(), { features: [StorefrontModule], logger: false });
await writeFile('openapi.json', `${JSON.stringify(openApiDocument(api), null, 2)}\n`);
await api.close();
