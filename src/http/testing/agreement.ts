import { HttpService } from '@nestjs/axios';
import axios, { type AxiosResponse, isAxiosError } from 'axios';
import { lastValueFrom, type Observable } from 'rxjs';
import { createUndiciHttpService, UndiciHttpService } from '../undici-http.service.js';
import {
  rawServer,
  recordingServer,
  type RecordingServer,
  type SeenRequest,
  type Serve,
} from './recording-server.js';
import { type Socket } from 'node:net';

/** What a call came to, in terms that do not depend on ports, dates or who carried it. */
export interface Outcome {
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: Record<string, unknown>;
  readonly data?: unknown;
  readonly error?: {
    readonly code?: string | undefined;
    readonly message: string;
    readonly status: number | undefined;
    readonly data: unknown;
    readonly isAxiosError: boolean;
  };
  readonly seen: readonly SeenRequest[];
}

/** The servers of one case: the second one has another origin. */
export interface Stage {
  readonly origin: string;
  readonly elsewhere: string;
}

/** One call, and what stands at its other end. */
export interface Scene {
  readonly name: string;
  /** How the server answers; by default with what it saw, as JSON. */
  readonly serve?: Serve;
  /** The same, for a server that has to know where it stands. */
  readonly serveFrom?: (stage: () => Stage) => Serve;
  /** A server that does not speak proper HTTP. */
  readonly speak?: (socket: Socket) => void;
  readonly call: (http: HttpService, stage: Stage) => Observable<AxiosResponse<unknown>>;
}

/** The three services under comparison. */
export const SERVICES = {
  stock: () => new HttpService(axios.create()),
  'ours, without axios': () => createUndiciHttpService(),
  'ours, through axios': () => {
    const service = createUndiciHttpService();
    service.axiosRef.interceptors.request.use((config) => config);
    return service;
  },
} as const;

export type ServiceName = keyof typeof SERVICES;

/** Plays one scene with one service, on servers of its own. */
export async function play(scene: Scene, name: ServiceName): Promise<Outcome> {
  const http = SERVICES[name]();
  const elsewhere = await recordingServer(echo);
  const origins: string[] = [];
  const server: RecordingServer =
    scene.speak !== undefined
      ? await rawServer(scene.speak)
      : await recordingServer(scene.serveFrom?.(() => stageOf(origins)) ?? scene.serve ?? echo);
  origins.push(server.origin, elsewhere.origin);
  const stage = stageOf(origins);
  try {
    const outcome = await outcomeOf(scene.call(http, stage));
    const seen = [...server.seen, ...elsewhere.seen].map(comparableRequest);
    return withoutPorts({ ...outcome, seen }, stage);
  } finally {
    if (http instanceof UndiciHttpService) await http.close();
    await server.close();
    await elsewhere.close();
  }
}

/** Answers with the request, as JSON. */
export const echo: Serve = (_request, response, seen) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method: seen.method, url: seen.url, body: seen.body }));
};

function stageOf([origin = '', elsewhere = '']: readonly string[]): Stage {
  return { origin, elsewhere };
}

async function outcomeOf(call: Observable<AxiosResponse<unknown>>): Promise<Omit<Outcome, 'seen'>> {
  try {
    const { status, statusText, headers, data } = await lastValueFrom(call);
    return {
      status,
      statusText,
      headers: comparableHeaders(headers),
      data: await readable(data),
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const response = isAxiosError(error) ? error.response : undefined;
    return {
      error: {
        code,
        message,
        status: response?.status,
        data: await readable(response?.data),
        isAxiosError: isAxiosError(error),
      },
    };
  }
}

async function readable(data: unknown): Promise<unknown> {
  if (Buffer.isBuffer(data)) return `Buffer ${data.toString('base64')}`;
  if (!isStream(data)) return data;
  const chunks: Buffer[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return `stream ${Buffer.concat(chunks).toString('base64')}`;
}

function isStream(data: unknown): data is AsyncIterable<Buffer> {
  return typeof data === 'object' && data !== null && Symbol.asyncIterator in data;
}

// Left to whoever owns the connection, or named differently on purpose.
const NOT_COMPARED = new Set([
  'accept-encoding',
  'connection',
  'date',
  'host',
  'keep-alive',
  'transfer-encoding',
  'user-agent',
]);

function comparableHeaders(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...headers }).filter(([name]) => !NOT_COMPARED.has(name)));
}

function comparableRequest(request: SeenRequest): SeenRequest {
  const headers = comparableHeaders(request.headers) as SeenRequest['headers'];
  const boundary = /boundary=(\S+)/.exec(String(headers['content-type']))?.[1];
  const text = JSON.stringify({ ...request, headers: { ...headers, 'content-length': undefined } });
  const written =
    boundary === undefined
      ? JSON.stringify({ ...request, headers })
      : text.replaceAll(boundary, '<boundary>');
  return JSON.parse(written) as SeenRequest;
}

function withoutPorts(outcome: Outcome, { origin, elsewhere }: Stage): Outcome {
  const text = JSON.stringify(outcome, (_key, value: unknown) => (value === undefined ? null : value))
    .replaceAll(new URL(origin).host, '<here>')
    .replaceAll(new URL(elsewhere).host, '<elsewhere>');
  return JSON.parse(text) as Outcome;
}
