import { type VNode } from 'preact';
import { useState } from 'preact/hooks';
import { type UpstreamState } from '../console-state.js';
import { ActionMenu } from './action-menu.js';
import { BreakerLine } from './breaker-line.js';
import { CompositeLinks } from './composite-links.js';
import { EndpointList } from './endpoint-list.js';
import { counted, humaneCount, humanePercent, humaneRate } from './humane-numbers.js';
import { humaneDuration, humaneSpan } from './humane-times.js';
import { LatencySparkline } from './latency-sparkline.js';
import { MeterBar } from './meter-bar.js';
import { type OperatorAction } from './operator-action.js';
import { StatusMark } from './status-mark.js';
import { TrafficCircle } from './traffic-circle.js';

/** An upstream, with everything that says whether it hurts and what the gateway does about it. */
export function UpstreamTile({
  upstream,
  at,
  brief,
  actions,
  tabIndex,
  onEnter,
  onAsk,
}: {
  readonly upstream: UpstreamState;
  /** When the gateway said so. */
  readonly at: number;
  /** Only what must be seen, and the rest when it is asked for. */
  readonly brief: boolean;
  readonly actions: boolean;
  readonly tabIndex: 0 | -1;
  readonly onEnter: () => void;
  readonly onAsk: (action: OperatorAction) => void;
}): VNode {
  const [chosen, setChosen] = useState<number | null>(null);
  const [opened, setOpened] = useState(false);
  const { name, status, reason, critical, window: last, series } = upstream;
  const step = chosen === null || chosen >= series.calls.length ? null : chosen;
  const ms = (now: number | null, list: readonly (number | null)[]): string =>
    humaneDuration(step === null ? now : (list[step] ?? null));
  const inStep = { calls: series.calls[step ?? 0] ?? 0, errors: series.errors[step ?? 0] ?? 0 };
  return (
    <li
      class="tile"
      id={`upstream-${name}`}
      data-item={name}
      data-status={status}
      tabIndex={tabIndex}
      aria-label={`${name}, ${status}${reason === null ? '' : `: ${reason}`}`}
      onFocusIn={onEnter}
    >
      <div class="tile-head">
        <StatusMark status={status} />
        <h3>
          {name}{' '}
          <span class="status-word" data-status={status}>
            {status}
          </span>
        </h3>
        {critical ? (
          <span class="tag" title="While it is down, the gateway is not ready">
            critical
          </span>
        ) : null}
        {brief ? (
          <button
            type="button"
            class="quiet-button tile-more"
            tabIndex={tabIndex}
            aria-expanded={opened}
            aria-label={`More of ${name}`}
            onClick={() => {
              setOpened(!opened);
            }}
          >
            {opened ? 'less' : 'more'}
          </button>
        ) : null}
        {actions ? <ActionMenu upstream={upstream} tabIndex={tabIndex} onAsk={onAsk} /> : null}
      </div>
      {reason === null ? null : <p class="reason tile-reason">{reason}</p>}

      {brief && !opened && upstream.breaker.state !== 'closed' ? (
        <p class="tile-reason">
          breaker <BreakerLine breaker={upstream.breaker} at={at} />
        </p>
      ) : null}
      <div class="tile-figures">
        <TrafficCircle callsPerSecond={upstream.callsPerSecond} errorPercent={last.errorPercent} />
        <div class="tile-rate">
          <span class="figure">
            {step === null
              ? humaneRate(upstream.callsPerSecond)
              : humaneRate((inStep.calls / series.stepMs) * 1_000)}
          </span>
          <span
            class="errors"
            data-some={step === null ? last.calls > 0 && last.errors > 0 : inStep.errors > 0}
          >
            {step === null
              ? last.calls === 0
                ? 'no calls'
                : `${humanePercent(last.errorPercent)} errors`
              : counted(inStep.errors, 'error')}
          </span>
        </div>
        <dl class="latencies" data-past={step !== null}>
          {(['p50', 'p95', 'p99'] as const).map((percentile) => (
            <div key={percentile}>
              <dt>{percentile}</dt>
              <dd>{ms(last[`${percentile}Ms`], series[`${percentile}Ms`])}</dd>
            </div>
          ))}
        </dl>
      </div>
      <LatencySparkline
        label={`Latency of ${name} over the last ${humaneSpan(series.stepMs * series.calls.length)}`}
        series={series}
        chosen={step}
        tabIndex={tabIndex}
        onChoose={setChosen}
      />
      {brief && !opened ? null : <Particulars upstream={upstream} at={at} tabIndex={tabIndex} />}
    </li>
  );
}

function Particulars({
  upstream: { breaker, bulkhead, window: last, retryBudget, probe, probePaused, endpoints, composites },
  at,
  tabIndex,
}: {
  readonly upstream: UpstreamState;
  readonly at: number;
  readonly tabIndex: 0 | -1;
}): VNode {
  const isClosed = breaker.state === 'closed' || breaker.state === 'metrics-only';
  const counts: readonly (readonly [string, number, (string | undefined)?])[] = [
    ['retries', last.retries],
    ['hedges', last.hedges, last.hedgesWon > 0 ? `${humaneCount(last.hedgesWon)} won` : undefined],
    ['timeouts', last.timeouts],
    ['rejected', last.rejections],
    ['budget', Math.floor(retryBudget)],
  ];
  const used = bulkhead.limit === 0 ? 0 : (bulkhead.inUse / bulkhead.limit) * 100;
  return (
    <>
      <dl class="counts">
        {counts.map(([what, count, note]) => (
          <div key={what} data-none={count === 0} title={COUNT_TITLES[what]}>
            <dt>{what}</dt>
            <dd>
              {humaneCount(count)}
              {note === undefined ? null : <small> {note}</small>}
            </dd>
          </div>
        ))}
      </dl>
      <dl class="particulars">
        <dt>breaker</dt>
        <dd>
          {isClosed ? (
            <MeterBar
              percent={breaker.failureRatePercent}
              tickPercent={breaker.thresholdPercent}
              tone={breaker.failureRatePercent > 0 ? 'bad' : 'plain'}
            />
          ) : null}
          <BreakerLine breaker={breaker} at={at} />
        </dd>
        <dt>bulkhead</dt>
        <dd>
          <MeterBar percent={used} tone={used >= 100 ? 'bad' : used >= 80 ? 'warning' : 'plain'} />
          <span>
            {bulkhead.inUse} of {bulkhead.limit}
            <span data-some={bulkhead.queued > 0} class="queued">
              , {bulkhead.queued} queued
            </span>
          </span>
        </dd>
        <dt>probe</dt>
        <dd>{probeWords(probe, probePaused, at)}</dd>
        {endpoints.length > 0 ? (
          <>
            <dt>endpoints</dt>
            <dd>
              <EndpointList endpoints={endpoints} />
            </dd>
          </>
        ) : null}
        <dt>used by</dt>
        <dd>
          {composites.length === 0 ? (
            <span class="quiet">no composite so far</span>
          ) : (
            <CompositeLinks names={composites} tabIndex={tabIndex} />
          )}
        </dd>
      </dl>
    </>
  );
}

const COUNT_TITLES: Record<string, string> = {
  retries: 'Retries in the last minute',
  hedges: 'Hedges in the last minute, and how many were the first to answer',
  timeouts: 'Calls that timed out in the last minute',
  rejected: 'Calls refused by an open breaker or a full bulkhead in the last minute',
  budget: 'Retries and hedges that the budget has left',
};

function probeWords(probe: UpstreamState['probe'], paused: boolean, at: number): VNode {
  const result =
    probe === null
      ? 'none yet'
      : `${probe.ok ? 'ok' : 'failed'} in ${humaneDuration(probe.durationMs)}, ${humaneSpan(at - probe.at)} ago`;
  return (
    <>
      <span>
        {paused ? <strong class="warning-text">paused · </strong> : null}
        <span class={probe?.ok === false ? 'bad-text' : ''}>{result}</span>
      </span>
      {probe?.ok === false ? <span class="reason probe-reason">{probe.reason}</span> : null}
    </>
  );
}
