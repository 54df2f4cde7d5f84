import { type VNode } from 'preact';
import { type Transition, type UpstreamStatus } from '../console-state.js';

/** A shape a status, so that nobody needs to tell colours apart. The word always stands beside it. */
export function StatusMark({ status }: { readonly status: UpstreamStatus }): VNode {
  return (
    <svg class="mark" data-status={status} viewBox="0 0 16 16" aria-hidden="true">
      {STATUS_SHAPES[status]}
    </svg>
  );
}

/** The same for how grave a transition is. */
export function SeverityMark({ severity }: { readonly severity: Transition['severity'] }): VNode {
  const status = SEVERITY_STATUS[severity];
  return status === null ? (
    <svg class="mark" data-status="info" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="3" fill="currentColor" />
    </svg>
  ) : (
    <StatusMark status={status} />
  );
}

const SEVERITY_STATUS: Record<Transition['severity'], UpstreamStatus | null> = {
  good: 'up',
  info: null,
  warning: 'degraded',
  bad: 'down',
};

const STROKE = { fill: 'none', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' } as const;

const STATUS_SHAPES: Record<UpstreamStatus, VNode> = {
  up: (
    <>
      <circle cx="8" cy="8" r="7" fill="currentColor" />
      <path d="M4.8 8.3l2.2 2.2 4.2-4.7" class="cut" stroke-width="1.8" {...STROKE} />
    </>
  ),
  degraded: (
    <>
      <path
        d="M8 1.6L15.2 14.4H.8Z"
        fill="currentColor"
        stroke="currentColor"
        stroke-width="1"
        stroke-linejoin="round"
      />
      <path d="M8 6v4M8 12.3v.1" class="cut" stroke-width="1.8" {...STROKE} />
    </>
  ),
  down: (
    <>
      <rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor" />
      <path d="M5 5l6 6M11 5l-6 6" class="cut" stroke-width="1.9" {...STROKE} />
    </>
  ),
  unknown: (
    <circle
      cx="8"
      cy="8"
      r="6.2"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-dasharray="2.6 2.2"
      fill="none"
    />
  ),
};
