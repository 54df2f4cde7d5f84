import { type INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';

/** The OpenAPI document of the API: every route, with the partial-response headers and the problem documents. */
export function openApiDocument(api: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.0.3')
    .setTitle('Tributary')
    .setDescription('Several upstream calls become one fast, honest response.')
    .setVersion('0.1.0')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .build();
  return SwaggerModule.createDocument(api, config);
}

/** Serves the document at `/openapi.json` and a page to read it at `/docs`. */
export function serveOpenApi(api: INestApplication): void {
  SwaggerModule.setup('docs', api, () => openApiDocument(api), { jsonDocumentUrl: 'openapi.json' });
}
