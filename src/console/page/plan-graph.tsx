import { type VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  type PlanPart,
  type RequestRecord,
  type UpstreamState,
  type UpstreamStatus,
} from '../console-state.js';
import { listed } from './humane-numbers.js';
import { humaneDuration } from './humane-times.js';
import { type PartTally, tallyPart } from './part-tally.js';
import { layoutPlan, NODE_HEIGHT, type PlacedPart } from './plan-layout.js';
import { StatusMark } from './status-mark.js';

/** The plan of a composite: what waits for what, how its upstreams are, and how its parts have fared of late. */
export function PlanGraph({
  plan,
  upstreams,
  requests,
}: {
  readonly plan: readonly PlanPart[];
  readonly upstreams: readonly UpstreamState[];
  readonly requests: readonly RequestRecord[];
}): VNode {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
  const { nodes, edges, nodeWidth, ...size } = layoutPlan(plan, width);
  const parts = nodes.map((node) => {
    const status = worstStatus(node.part.upstreams, upstreams);
    return { node, status, tally: tallyPart(node.part.part, requests) };
  });
  return (
    <div class="plan" ref={frame}>
      <svg
        width={size.width}
        height={size.height}
        viewBox={`0 0 ${size.width} ${size.height}`}
        aria-hidden="true"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 .5L7.5 4L0 7.5Z" class="plan-arrow" />
          </marker>
        </defs>
        {edges.map(({ from, to, path }) => (
          <path key={`${from} ${to}`} class="plan-edge" d={path} marker-end="url(#arrow)" />
        ))}
        {parts.map(({ node, status, tally }) => (
          <PlanNode key={node.part.part} node={node} width={nodeWidth} status={status} tally={tally} />
        ))}
      </svg>
      <ul class="visually-hidden">
        {parts.map(({ node: { part }, status, tally }) => (
          <li key={part.part}>
            {part.part}: {part.required ? 'required' : 'optional'},{' '}
            {part.upstreams.length === 0
              ? 'calls nothing yet'
              : `calls ${listed(part.upstreams)} (${status})`}
            , {part.needs.length === 0 ? 'waits for nothing' : `waits for ${listed(part.needs)}`},{' '}
            {tallyWords(tally)}
          </li>
        ))}
      </ul>
    </div>
  );
}

const MARK = 13;
const INSET = 10;
/** How wide a character is, about; what does not fit ends in an ellipsis and stands in the title. */
const NAME_CHARACTER = 8.4;
const LINE_CHARACTER = 6.4;
const TAG = 54;

function PlanNode({
  node: { part, x, y },
  width,
  status,
  tally,
}: {
  readonly node: PlacedPart;
  readonly width: number;
  readonly status: UpstreamStatus;
  readonly tally: PartTally;
}): VNode {
  const calls = part.upstreams.join(', ');
  const room = width - 2 * INSET;
  const share = tally.seen === 0 ? 0 : tally.ok / tally.seen;
  return (
    <g
      class="plan-node"
      data-status={status}
      data-required={part.required}
      transform={`translate(${x} ${y})`}
    >
      <title>{`${part.part}: ${calls}`}</title>
      <rect class="plan-box" width={width} height={NODE_HEIGHT} rx="6" />
      <svg x="10" y="11" width={MARK} height={MARK} viewBox="0 0 16 16">
        <StatusMark status={status} />
      </svg>
      <text class="plan-name" x="29" y="22">
        {fitted(part.part, (width - 38 - (part.required ? TAG : 0)) / NAME_CHARACTER)}
      </text>
      {part.required ? (
        <text class="plan-tag" x={width - 9} y="21.5" text-anchor="end">
          required
        </text>
      ) : null}
      <text class="plan-calls" x="10" y="39">
        {fitted(calls === '' ? 'calls nothing yet' : calls, room / LINE_CHARACTER)}
      </text>
      <text class="plan-lately" x="10" y="54">
        {fitted(tallyWords(tally), room / LINE_CHARACTER)}
      </text>
      {tally.seen === 0 ? null : (
        <>
          <rect class="plan-share" x={INSET} y={NODE_HEIGHT - 10} width={room} height="3" rx="1.5" />
          <rect
            class="plan-share-bad"
            x={INSET + share * room}
            y={NODE_HEIGHT - 10}
            width={(1 - share) * room}
            height="3"
            rx="1.5"
          />
        </>
      )}
    </g>
  );
}

function tallyWords({ seen, ok, reason, last }: PartTally): string {
  if (seen === 0) return 'not run lately';
  if (ok === seen) return `ok ${ok} of ${seen}, ${humaneDuration(last?.durationMs ?? null)}`;
  return `ok ${ok} of ${seen}${reason === null ? '' : `, ${reason}`}`;
}

const RANKS: readonly UpstreamStatus[] = ['down', 'degraded', 'unknown', 'up'];

function worstStatus(names: readonly string[], upstreams: readonly UpstreamState[]): UpstreamStatus {
  const statuses = upstreams.filter(({ name }) => names.includes(name)).map(({ status }) => status);
  return RANKS.find((status) => statuses.includes(status)) ?? 'unknown';
}

function fitted(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.floor(most) - 1)}…`;
}

function useWidth(frame: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (frame.current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(frame.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  return width;
}
