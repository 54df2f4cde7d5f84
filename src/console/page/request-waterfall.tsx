import { type VNode } from 'preact';
import { type PartRecord, type PlanPart, type RequestRecord } from '../console-state.js';
import { Copyable } from './copyable.js';
import { clockTime, humaneDuration } from './humane-times.js';
import { spanOnScale, timeScale } from './time-scale.js';

/** A request, part by part, on one scale of time. */
export function RequestWaterfall({
  request,
  plan,
}: {
  readonly request: RequestRecord;
  readonly plan: readonly PlanPart[];
}): VNode {
  const ends = request.parts.map(({ startedAtMs, durationMs }) => (startedAtMs ?? 0) + durationMs);
  const scale = timeScale(Math.max(request.durationMs, ...ends));
  const upstreamsOf = new Map(plan.map(({ part, upstreams }) => [part, upstreams]));
  return (
    <article class="request" aria-label={`Request at ${clockTime(request.at)}`}>
      <p class="request-head">
        <strong>{statusWords(request)}</strong>
        <span>{request.complete ? 'complete' : 'incomplete'}</span>
        <span>{humaneDuration(request.durationMs)}</span>
        <span class="quiet">{clockTime(request.at)}</span>
      </p>
      <div class="waterfall">
        <div class="waterfall-axis" aria-hidden="true">
          {scale.ticksMs.map((tick) => (
            <span key={tick} style={{ left: `${(tick / scale.endMs) * 100}%` }}>
              {humaneDuration(tick)}
            </span>
          ))}
        </div>
        <ul>
          {request.parts.map((part) => {
            const upstreams = upstreamsOf.get(part.part) ?? [];
            const notes = [part.items === null ? null : `${part.items} items`, part.detail].filter(
              (note) => note !== null,
            );
            return (
              <li key={part.part} class="lane">
                <span class="lane-name">
                  {part.part}
                  {upstreams.length === 0 || upstreams.join() === part.part ? null : (
                    <span class="quiet"> {upstreams.join(', ')}</span>
                  )}
                </span>
                <span class="lane-track" aria-hidden="true">
                  {scale.ticksMs.map((tick) => (
                    <span key={tick} class="lane-grid" style={{ left: `${(tick / scale.endMs) * 100}%` }} />
                  ))}
                  <Bar part={part} scale={scale} />
                </span>
                <span class="lane-state" data-state={part.state}>
                  {part.state}
                  {part.reason === null ? '' : ` ${part.reason}`}
                </span>
                <span class="lane-time">
                  {humaneDuration(part.startedAtMs === null ? null : part.durationMs)}
                </span>
                {notes.length === 0 ? null : <span class="lane-detail">{notes.join(' · ')}</span>}
              </li>
            );
          })}
        </ul>
      </div>
      <p class="ids">
        <Copyable name="request" value={request.requestId} />
        {request.traceId === null ? null : <Copyable name="trace" value={request.traceId} />}
      </p>
    </article>
  );
}

function Bar({
  part,
  scale,
}: {
  readonly part: PartRecord;
  readonly scale: ReturnType<typeof timeScale>;
}): VNode | null {
  if (part.startedAtMs === null) return null;
  const { left, width } = spanOnScale(scale, part.startedAtMs, part.durationMs);
  return <span class="lane-bar" data-state={part.state} style={{ left: `${left}%`, width: `${width}%` }} />;
}

/** `GET 200`, or that the client left. */
export function statusWords({ method, status }: RequestRecord): string {
  return `${method} ${status ?? 'client left'}`;
}
