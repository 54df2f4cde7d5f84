import { z } from 'zod';
import { type RequestFlaw, RequestProblem } from '../../aggregation/request-problem.js';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { duration } from '../../upstream/config/quantities.js';
import { LOG_LEVELS, type LogLevel } from '../../upstream/config/telemetry-config.js';

/** What an operator wants logged. */
export interface LevelRequest {
  readonly level: LogLevel;
  /** For how long, in ms; undefined for until the process ends. */
  readonly forMs: number | undefined;
}

const KEYS = ['level', 'for'] as const;

const levelRequest = z.object({
  level: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }),
  for: duration(1_000).optional(),
});

/**
 * Reads `{"level": "debug", "for": "10m"}`.
 *
 * @throws RequestProblem, a 400 that says everything that is wrong with it.
 */
export function levelRequestOf(body: unknown): LevelRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw RequestProblem.of([
      { in: 'body', name: '', detail: 'must be {"level": ...}, with "for" if it is to end' },
    ]);
  const flaws: RequestFlaw[] = [];
  for (const key of Object.keys(body)) {
    if ((KEYS as readonly string[]).includes(key)) continue;
    const nearest = nearestName(key, KEYS);
    const hint = nearest === undefined ? `valid keys: ${KEYS.join(', ')}` : `did you mean ${nearest}?`;
    flaws.push({ in: 'body', name: '', detail: `has an unknown key; ${hint}` });
  }
  const { data, error } = levelRequest.safeParse(body);
  for (const { path, message } of error?.issues ?? []) {
    const written: unknown = (body as Readonly<Record<PropertyKey, unknown>>)[path[0] ?? ''];
    const nearest =
      path[0] === 'level' && typeof written === 'string' ? nearestName(written, LOG_LEVELS) : undefined;
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    flaws.push({ in: 'body', name: `/${path.join('/')}`, detail: `must be ${message}${hint}` });
  }
  if (data === undefined || flaws.length > 0) throw RequestProblem.of(flaws);
  return { level: data.level, forMs: data.for };
}
