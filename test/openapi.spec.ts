import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApi } from '../src/gateway.js';
import { StorefrontModule } from '../src/storefront/storefront.module.js';
import { openApiDocument } from '../src/openapi.js';
import { loadGateway } from '../src/composite/config/gateway.js';

const root = join(__dirname, '..');

describe('openapi.json', () => {
  let api: NestFastifyApplication;

  beforeAll(async () => {
    api = await createApi(loadGateway({ file: join(root, 'gateway.yaml'), env: {} }), {
      features: [StorefrontModule],
      logger: false,
    });
  });

  afterAll(async () => {
    await api.close();
  });

  it('is what the code says; after a change, npm run openapi writes it anew', () => {
    const committed = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8')) as unknown;

    expect(JSON.parse(JSON.stringify(openApiDocument(api)))).toEqual(committed);
  });

  it('documents the report headers and the problem documents of every composite', () => {
    const { paths } = openApiDocument(api);
    for (const path of ['/customers/{id}/overview', '/products/{sku}/page']) {
      const { responses } = paths[path]?.get ?? {};

      expect(
        Object.keys(
          responses?.['200'] && 'headers' in responses['200'] ? (responses['200'].headers ?? {}) : {},
        ),
      ).toEqual(
        expect.arrayContaining([
          'Composite-Complete',
          'Composite-Parts',
          'Server-Timing',
          'Preference-Applied',
        ]),
      );
      for (const status of ['400', '404', '502', '503', '504']) {
        expect(responses?.[status]).toMatchObject({ content: { 'application/problem+json': {} } });
      }
    }
  });
});
