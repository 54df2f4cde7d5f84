// Nest 12 and a few of Fastify's packages are ESM-only; Jest on Node 20 cannot require() ESM,
// so they are transformed to CommonJS together with our own sources (docs/decisions/jest.md).
// The OTLP exporter imports node:http on demand, which Jest refuses to code it has not transformed.
const esmOnly = ['@nestjs', '@opentelemetry/otlp-exporter-base', 'cookie', 'url-template'].join('|');

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/examples', '<rootDir>/bench'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.[cm]?[jt]s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Wherever npm puts them: one may be nested in another package.
  transformIgnorePatterns: [`/node_modules/(?!(?:.*/node_modules/)?(?:${esmOnly})/)`],
  errorOnDeprecated: true,
  maxWorkers: 2,
  testTimeout: 15_000,
};
