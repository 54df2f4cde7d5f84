import { type INestApplication } from '@nestjs/common';
import {
  DocumentBuilder,
  type OpenAPIObject,
  SwaggerModule,
  type SwaggerDocumentOptions,
} from '@nestjs/swagger';
import { type StandardJSONSchemaV1 } from '@standard-schema/spec';
import { CompositeTable } from './composite/composite-table.js';
import { withComposites } from './composite/openapi/composite-document.js';

/**
 * The OpenAPI document of the API: every route of a controller, and every composite that is served now, with the
 * partial-response headers and the problem documents.
 */
export function openApiDocument(api: INestApplication): OpenAPIObject {
  return withComposites(
    routesDocument(api),
    api.get(CompositeTable, { strict: false }).runners.map(({ plan }) => plan),
  );
}

/** Serves the document at `/openapi.json`, as it is when it is asked for, and a page to read it at `/docs`. */
export function serveOpenApi(api: INestApplication): void {
  const current = new CurrentDocument(api);
  SwaggerModule.setup('docs', api, () => current.document, {
    jsonDocumentUrl: 'openapi.json',
    // What the factory makes is made once; composites may come and go.
    patchDocumentOnRequest: () => current.document,
  });
}

/** The document, made anew when other composites are served. */
class CurrentDocument {
  private readonly table: CompositeTable;
  private made: { readonly of: unknown; readonly document: OpenAPIObject } | undefined;

  constructor(private readonly api: INestApplication) {
    this.table = api.get(CompositeTable, { strict: false });
  }

  get document(): OpenAPIObject {
    const { runners } = this.table;
    if (this.made?.of !== runners) this.made = { of: runners, document: openApiDocument(this.api) };
    return this.made.document;
  }
}

/** Those of controllers. 3.1, because its schemas are those of gateway files: JSON Schema. */
function routesDocument(api: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Tributary')
    .setDescription('Several upstream calls become one fast, honest response.')
    // That of the API, as far as there is one: which release serves it is nobody's business.
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .build();
  return SwaggerModule.createDocument(api, config, {
    standardSchemaConverter: jsonSchemaOf,
  });
}

type StandardSchemaConverter = NonNullable<SwaggerDocumentOptions['standardSchemaConverter']>;

/** Left to itself, the module has schemas written as OpenAPI 3.0 wants them. */
const jsonSchemaOf: StandardSchemaConverter = (schema, { schemaType }) => {
  const { jsonSchema } = (schema as Partial<StandardJSONSchemaV1>)['~standard'] ?? {};
  if (jsonSchema === undefined) return undefined;
  const { $schema: _, $defs, ...rest } = jsonSchema[schemaType]({ target: 'draft-2020-12' });
  return { schema: rest, components: ($defs ?? {}) as Readonly<Record<string, unknown>> };
};
