import { catchError, defer, EMPTY, forkJoin, map, mergeMap, type Observable, of, throwError } from 'rxjs';
import { withAttemptTimeout } from '../resilience/attempt-timeout.operator.js';
import { asHandler, asObservable, type Attempt } from '../resilience/call.js';
import { classify } from '../upstream/classify.js';
import { type HealthProbe } from '../upstream/config/gateway-config.js';
import { type Upstream } from '../upstream/upstream.js';
import { type UpstreamResponse } from '../upstream/upstream-call.js';
import { UpstreamError } from '../upstream/upstream-error.js';

/** What an upstream made of one probe. */
export interface ProbeResult {
  /** Whether at least one endpoint answered. Calls pass over an endpoint that is gone, so one is enough. */
  readonly ok: boolean;
  /** When the result was there, on the clock's scale. */
  readonly at: number;
  readonly durationMs: number;
  /** Endpoints that did not answer. */
  readonly silentEndpoints: number;
  /** What was wrong with an endpoint, in the words of the part report; a status with its number. */
  readonly reason?: string;
}

/** `unclear`: our own event loop was blocked, which says nothing about anybody else. */
interface Answer {
  readonly kind: 'answered' | 'silent' | 'unclear';
  readonly reason?: string;
}

/** An upstream sees in its log who asks. */
const USER_AGENT = 'tributary-health-probe';

const THE_ONLY_ATTEMPT: Attempt = { call: { deadlineAt: Infinity, replaySafe: true }, number: 1 };

/**
 * Asks every endpoint of an upstream once, at the same time, on the bare wire: a probe neither waits for a permit nor
 * touches the breaker's statistics. Cold; emits one result, or none when a blocked event loop kept it from finding
 * out, and never an error.
 *
 * An answer is what the breaker takes for a working upstream (docs/decisions/outcomes.md): 404 is one, 503 is not.
 */
export function probe(upstream: Upstream, health: HealthProbe): Observable<ProbeResult> {
  const { clock } = upstream.runtime;
  return defer(() => {
    const startedAt = clock.now();
    return forkJoin(upstream.endpoints.urls.map((baseUrl) => ask(upstream, baseUrl, health))).pipe(
      mergeMap((answers) => resultOf(answers, startedAt, clock.now())),
    );
  });
}

function ask(upstream: Upstream, baseUrl: string, { path, timeoutMs }: HealthProbe): Observable<Answer> {
  const { name, config, http, runtime } = upstream;
  const wire = (): Observable<UpstreamResponse> =>
    http
      .request({
        method: 'GET',
        url: baseUrl + path,
        headers: { ...config.headers, 'user-agent': USER_AGENT },
        // What the body says is the upstream's own affair: it need not be JSON.
        responseType: 'arraybuffer',
        maxRedirects: 0,
      })
      .pipe(catchError((error: unknown) => throwError(() => classify(name, error, false))));
  const bounded = withAttemptTimeout<UpstreamResponse, Attempt>(runtime.clock, timeoutMs);
  return asObservable(bounded(asHandler(wire)), THE_ONLY_ATTEMPT).pipe(
    map((): Answer => ({ kind: 'answered' })),
    catchError((error: unknown) => of(answerOf(UpstreamError.from(name, error)))),
  );
}

function answerOf({ reason, status, verdict }: UpstreamError): Answer {
  if (reason === 'status') {
    const kind = verdict.breaker === 'failure' ? 'silent' : 'answered';
    return { kind, reason: `status ${status ?? 'unknown'}` };
  }
  if (reason === 'timeout' && verdict.breaker === 'neutral') return { kind: 'unclear' };
  return { kind: 'silent', reason };
}

function resultOf(answers: readonly Answer[], startedAt: number, at: number): Observable<ProbeResult> {
  if (answers.some(({ kind }) => kind === 'unclear')) return EMPTY;
  const silent = answers.filter(({ kind }) => kind === 'silent');
  const reason = (silent[0] ?? answers.find((answer) => answer.reason !== undefined))?.reason;
  return of({
    ok: silent.length < answers.length,
    at,
    durationMs: at - startedAt,
    silentEndpoints: silent.length,
    ...(reason === undefined ? {} : { reason }),
  });
}
