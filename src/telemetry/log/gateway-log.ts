import { type ExchangeEvents } from '../../aggregation/exchange-events.js';
import { type FailureLog } from '../../aggregation/failure-log.js';
import { type LogConfig } from '../../upstream/config/telemetry-config.js';
import { type UpstreamEvents } from '../../upstream/upstream-events.js';
import { AUDIT_CONTEXT, LogLevels } from './log-levels.js';
import { REQUEST_CONTEXT, RequestLog } from './request-log.js';
import { UPSTREAM_CONTEXT, UpstreamLog } from './upstream-log.js';

export interface GatewayLogSources {
  readonly exchanges: ExchangeEvents;
  readonly failures: FailureLog;
  readonly upstreams: UpstreamEvents;
}

/** What a gateway logs of its requests and calls, as its configuration and the levels of the moment want it. */
export class GatewayLog {
  private readonly requests: RequestLog;
  private readonly calls: UpstreamLog;
  private readonly unfollow: () => void;

  /** @param levels those of the logger; by default some that only decide what is listened to. */
  constructor(
    { exchanges, failures, upstreams }: GatewayLogSources,
    readonly levels = new LogLevels(),
  ) {
    levels.announce(REQUEST_CONTEXT, UPSTREAM_CONTEXT, AUDIT_CONTEXT);
    this.requests = new RequestLog({ exchanges, failures, levels });
    this.calls = new UpstreamLog(upstreams, levels);
    this.unfollow = levels.onChange(() => {
      this.requests.follow();
      this.calls.follow();
    });
  }

  /** What the file says now; a level that was set while the gateway runs stays. */
  configure(settings: LogConfig): void {
    this.requests.configure(settings);
    this.levels.configure(settings.level);
  }

  /** Writes what is held back, and listens no more. */
  stop(): void {
    this.unfollow();
    this.requests.stop();
    this.calls.stop();
    this.levels.stop();
  }
}
