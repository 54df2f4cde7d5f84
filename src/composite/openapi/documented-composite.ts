import { STATUS_CODES } from 'node:http';
import {
  CACHING_HEADERS,
  REPORT_HEADERS,
  REQUEST_ID_HEADER,
} from '../../aggregation/composite-documentation.js';
import { FIELDS_PARAM } from '../asked-fields.js';
import { type CompositeConfig, type ForwardConfig, type ParamConfig } from '../config/composite-config.js';
import { type CompositePlan } from '../plan.js';
import { CompositeShape } from './composite-shape.js';
import { type Schema } from './schema-reader.js';
import { propertiesOf } from './schema-shape.js';
import { ANYTHING } from './schema-union.js';

type Group = Readonly<Record<string, unknown>>;

/** Header parameters that OpenAPI wants described elsewhere. */
const NO_PARAMETERS = new Set(['accept', 'authorization', 'content-type', 'cookie']);
const READING = new Set(['GET', 'HEAD']);

/** One composite as an OpenAPI 3.1 operation. */
export class DocumentedComposite {
  private readonly config: CompositeConfig;
  private readonly shape: CompositeShape;
  private readonly forwards: readonly ForwardConfig[];
  private readonly takesBody: boolean;
  private readonly response: Schema;

  /** @param definitions get what the operation refers to */
  constructor(
    private readonly plan: CompositePlan,
    definitions: Map<string, Schema>,
  ) {
    const { config, operations = new Map() } = plan;
    this.config = config;
    const responseName = `${config.name}.response`;
    definitions.set(responseName, ANYTHING);
    this.shape = new CompositeShape(config, operations, definitions);
    this.forwards = config.parts.map(({ forward = config.forward }) => forward);
    this.takesBody = config.bodySchema !== undefined || this.forwards.some(({ body }) => body);
    definitions.set(responseName, this.responseSchema());
    this.response = { $ref: `#/components/schemas/${responseName}` };
  }

  get operation(): Group {
    const { name, summary, description, tags, auth } = this.config;
    return {
      operationId: name,
      ...(summary === undefined ? {} : { summary }),
      ...(description === undefined ? {} : { description }),
      ...(tags.length === 0 ? {} : { tags }),
      parameters: this.parameters(),
      ...(this.takesBody ? { requestBody: this.requestBody() } : {}),
      responses: this.responses(),
      ...(auth === undefined ? {} : { security: this.security() }),
    };
  }

  /** By name, what {@link operation} asks for. */
  get securitySchemes(): Group {
    switch (this.config.auth) {
      case 'bearer':
        return { bearer: { type: 'http', scheme: 'bearer' } };
      case 'basic':
        return { basic: { type: 'http', scheme: 'basic' } };
      case 'cookie':
        return Object.fromEntries(
          this.cookies().map((name) => [cookieScheme(name), { type: 'apiKey', in: 'cookie', name }]),
        );
      case undefined:
        return {};
    }
  }

  private security(): readonly Group[] {
    return Object.keys(this.securitySchemes).map((name) => ({ [name]: [] }));
  }

  private cookies(): readonly string[] {
    return [...new Set(this.forwards.flatMap(({ cookies }) => cookies))];
  }

  private parameters(): readonly Group[] {
    const { params, sparse } = this.config;
    const declared = params.filter(({ in: place, alias }) => place !== 'header' || !NO_PARAMETERS.has(alias));
    const known = new Set(declared.map(({ in: place, alias }) => `${place} ${alias}`));
    const forwarded = this.forwarded().filter(
      ({ in: place, name }) => !known.has(`${String(place)} ${String(name)}`),
    );
    return [
      ...declared.map(parameterOf),
      ...forwarded,
      ...(sparse ? [FIELDS] : []),
      { $ref: '#/components/parameters/Prefer' },
    ];
  }

  /** What is passed on as it came; the upstream says what it may be. */
  private forwarded(): readonly Group[] {
    const found = new Map<string, Group>();
    for (const { config, operation } of this.calls()) {
      const { query, headers, cookies } = config.forward ?? this.config.forward;
      const named = { query, header: headers, cookie: this.config.auth === 'cookie' ? [] : cookies };
      for (const [place, names] of Object.entries(named)) {
        for (const name of names) {
          if (place === 'header' && NO_PARAMETERS.has(name)) continue;
          const known = operation?.parameters.find((one) => one.in === place && one.name === name);
          const key = `${place} ${name}`;
          if (found.has(key) && known === undefined) continue;
          const parameter = { name, in: place, required: false, schema: known?.schema ?? { type: 'string' } };
          found.set(key, { ...parameter, description: 'Passed on as it is' });
        }
      }
    }
    return [...found.values()];
  }

  private calls() {
    const { parts, operations } = this.plan;
    return parts.map(({ config }) => ({ config, operation: operations?.get(config.name) }));
  }

  private requestBody(): Group {
    const { body } = this.shape;
    const passedOn = this.calls().find(({ config }) => (config.forward ?? this.config.forward).body);
    const schema = body ?? passedOn?.operation?.requestBody?.schema ?? ANYTHING;
    return { required: body !== undefined, content: { 'application/json': { schema } } };
  }

  private responseSchema(): Schema {
    const document = this.shape.response();
    const properties = {
      ...propertiesOf(document),
      _composite: { $ref: '#/components/schemas/CompositeReport' },
    };
    return { ...document, properties };
  }

  private responses(): Group {
    const { method, status, partialStatus, auth, passThrough } = this.config;
    const hasPartial = partialStatus !== undefined && partialStatus !== status;
    const isGet = method === 'GET';
    const problem = this.plan.parts.some(({ config }) => !READING.has(config.method) && !config.reads)
      ? 'WriteProblem'
      : 'CompositeProblem';
    const failed = (code: number, description: string, ...headers: readonly string[]) =>
      [code, problemResponse(description, problem, [...Object.keys(REPORT_HEADERS), ...headers])] as const;
    const refused = (code: number, description: string, name = 'Problem', ...headers: readonly string[]) =>
      [code, problemResponse(description, name, headers)] as const;
    const entries: (readonly [number, Group])[] = [
      [
        status,
        this.success(hasPartial ? 'The whole answer' : 'The answer, as far as it could be had in time'),
      ],
      ...(hasPartial
        ? [[partialStatus, this.success('What of the answer could be had in time')] as const]
        : []),
      ...(isGet && status === 200 ? [[304, notModified()] as const] : []),
      refused(400, 'The request is not valid', 'RequestProblem'),
      ...passThrough.map((code) =>
        failed(code, PASSED_THROUGH[code] ?? `A required part answered ${titleOf(code)}`),
      ),
      failed(502, 'A required part could not be reached, or gave no usable answer'),
      failed(503, 'A required part is failing or busy, and was not asked', 'Retry-After'),
      failed(504, 'A required part did not answer in time'),
      ...(this.takesBody
        ? [
            refused(413, 'The body is too large'),
            refused(415, 'The body is not JSON sent as application/json'),
          ]
        : []),
      ...(auth === undefined ? [] : [unauthenticated(auth, passThrough.includes(401) ? problem : 'Problem')]),
    ];
    // Later ones come before equal ones; numbers are put in order by the object.
    return Object.fromEntries(entries);
  }

  private success(description: string): Group {
    const { method, status } = this.config;
    const names = [
      ...Object.keys(REPORT_HEADERS),
      ...(method === 'GET' ? Object.keys(CACHING_HEADERS) : []),
      ...Object.keys(REQUEST_ID_HEADER),
    ];
    const headers = headersOf(names);
    if (status === 204) return { description, headers };
    return {
      description,
      headers,
      content: {
        'application/json': { schema: this.response },
        'text/event-stream': { schema: { type: 'string', description: EVENTS } },
        'application/x-ndjson': { schema: { type: 'string', description: LINES } },
      },
    };
  }
}

const EVENTS =
  'An event for each part as it lands: its `data` is JSON with `part`, `state` and, in `data`, the keys of the answer ' +
  'that the part has changed, with their values by then. Assigned to one object one after another, they are the answer. ' +
  'Then an event `report`, or `problem` where a required part failed.';
const LINES = 'The same as JSON, one line an event, which has its name in `event`.';

const PASSED_THROUGH: Readonly<Record<number, string>> = {
  401: 'A required part did not accept the credentials, or had none',
  403: 'A required part refused',
  404: 'A required part does not exist',
  410: 'A required part does not exist any more',
};

const FIELDS: Group = {
  name: FIELDS_PARAM,
  in: 'query',
  required: false,
  description:
    'What of the answer is wanted: paths of it, separated by commas, such as `customer,orders.total`. Nothing else is ' +
    'in it then, and only the upstreams are called that this takes. Without it, everything.',
  schema: { type: 'string' },
};

function parameterOf({ alias, in: place, required, description, schema }: ParamConfig): Group {
  return {
    name: alias,
    in: place,
    required,
    ...(description === undefined ? {} : { description }),
    schema,
  };
}

function notModified(): Group {
  const names = [REPORT_HEADERS, CACHING_HEADERS, REQUEST_ID_HEADER].flatMap((group) => Object.keys(group));
  return { description: 'The body that `If-None-Match` names is still right', headers: headersOf(names) };
}

function unauthenticated(auth: string, problem: string): readonly [number, Group] {
  const response = problemResponse('The credentials are missing, or were not accepted', problem, []);
  if (auth === 'cookie') return [401, response];
  const challenge = { description: 'How to authenticate (RFC 9110)', schema: { type: 'string' } };
  const headers = { ...(response['headers'] as Group), 'WWW-Authenticate': challenge };
  return [401, { ...response, headers }];
}

function problemResponse(description: string, schema: string, headers: readonly string[]): Group {
  return {
    description,
    headers: headersOf([...headers, ...Object.keys(REQUEST_ID_HEADER)]),
    content: { 'application/problem+json': { schema: { $ref: `#/components/schemas/${schema}` } } },
  };
}

function headersOf(names: readonly string[]): Group {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function cookieScheme(name: string): string {
  return `cookie-${name.replace(/[^\w.-]+/g, '_')}`;
}

function titleOf(status: number): string {
  const title = STATUS_CODES[status];
  return title === undefined ? String(status) : `${status} ${title}`;
}
