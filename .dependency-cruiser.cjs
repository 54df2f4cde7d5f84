// The layers of the house: a folder imports only from those above it in this list.
const layers = [
  ['resilience', []],
  ['http', ['resilience']],
  ['upstream', ['resilience', 'http']],
  ['aggregation', ['resilience', 'http', 'upstream']],
  ['composite', ['resilience', 'http', 'upstream', 'aggregation']],
  ['health', ['resilience', 'http', 'upstream', 'aggregation', 'composite']],
  ['telemetry', ['resilience', 'http', 'upstream', 'aggregation', 'composite']],
  ['console', ['resilience', 'http', 'upstream', 'aggregation', 'composite', 'health', 'telemetry']],
];

const layerRules = layers.map(([layer, mayUse]) => ({
  name: `${layer}-imports-only-from-above`,
  comment: `src/${layer}/ may import from ${mayUse.length ? mayUse.join(', ') : 'no other layer'}.`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: '^(src|examples|bench|test)/', pathNot: `^src/(${[layer, ...mayUse].join('|')})/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'storefront-uses-the-public-api',
      comment: 'The reference gateway imports the library only through src/index.ts.',
      severity: 'error',
      from: { path: '^src/storefront/' },
      to: { path: '^(src|examples|bench|test)/', pathNot: '^src/(storefront/|index\\.ts$)' },
    },
    {
      name: 'resilience-knows-no-framework',
      comment: 'Pure state machines and RxJS operators: neither HTTP nor Nest.',
      severity: 'error',
      from: { path: '^src/resilience/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm'], pathNot: 'node_modules/rxjs/' },
    },
    {
      name: 'examples-stand-alone',
      comment: 'The demo services are other people’s services: they know nothing of the gateway.',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(src|bench)/' },
    },
    {
      name: 'page-knows-only-what-the-server-tells-it',
      comment:
        'The page of the console runs in browsers: of the house it knows the types of console-state.ts, no more.',
      severity: 'error',
      from: { path: '^src/console/page/' },
      to: { path: '^(src|examples|bench|test)/', pathNot: '^src/console/(page/|console-state\\.ts$)' },
    },
    {
      name: 'page-is-never-imported',
      comment: 'It is bundled by itself; what runs in Node has no browser.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/console/page/' },
      to: { path: '^src/console/page/' },
    },
    {
      name: 'source-never-imports-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^(test|bench)/|\\.spec\\.ts$' },
    },
    {
      name: 'opentelemetry-sdk-on-demand',
      comment: 'A gateway that sends no spans loads the API and nothing else: import() it where it is used.',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$|^src/[^/]+/testing/' },
      to: {
        path: 'node_modules/@opentelemetry/(sdk-|exporter-|resources|otlp-)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '\\.(spec|d)\\.ts$|^src/main\\.ts$' },
      to: {},
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies-in-source',
      severity: 'error',
      // What the page needs is bundled into it.
      from: { path: '^(src|examples)/', pathNot: '\\.spec\\.ts$|^src/[^/]+/testing/|^src/console/page/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
