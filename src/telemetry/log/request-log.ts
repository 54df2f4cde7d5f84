import { Logger } from '@nestjs/common';
import { type ExchangeEvent, type ExchangeEvents } from '../../aggregation/exchange-events.js';
import { type FailureLog } from '../../aggregation/failure-log.js';
import { RationedLog } from '../../aggregation/rationed-log.js';
import { type Clock, systemClock } from '../../resilience/clock.js';
import { type Random, systemRandom } from '../../resilience/random.js';
import { type LogConfig } from '../../upstream/config/telemetry-config.js';
import { type LogLevels } from './log-levels.js';
import { isHealthCheck, isSuccess, kindOf, requestLine, severityOf } from './request-line.js';

export const REQUEST_CONTEXT = 'Request';

/** So many requests that ended badly in the same way have a line each in a second; the others are counted. */
const ALIKE_PER_SECOND = 10;

export interface RequestLogSources {
  readonly exchanges: ExchangeEvents;
  /** Silent while requests are logged: their lines say it. */
  readonly failures: FailureLog;
  readonly levels: LogLevels;
}

/**
 * A line a request, once it is over. Of those that were answered in full as many as the configuration says, at random; of
 * the others each, until there are many of a kind. Where nothing would be written, nothing is listened to.
 */
export class RequestLog {
  private readonly logger = new Logger(REQUEST_CONTEXT);
  private readonly rationed: RationedLog<ExchangeEvent>;
  private settings: Pick<LogConfig, 'requests' | 'successPercent'> = { requests: false, successPercent: 0 };
  private unsubscribe: (() => void) | undefined;
  private isVerbose = false;
  private saysSuccess = false;

  constructor(
    private readonly sources: RequestLogSources,
    clock: Clock = systemClock,
    private readonly random: Random = systemRandom,
  ) {
    const write = (event: ExchangeEvent, more: number): void => {
      this.write(event, more);
    };
    this.rationed = new RationedLog({ write, clock, atOnce: ALIKE_PER_SECOND });
  }

  configure(settings: Pick<LogConfig, 'requests' | 'successPercent'>): void {
    this.settings = settings;
    this.follow();
  }

  /** Listens if there is something to say at the levels there are now. */
  follow(): void {
    const { exchanges, failures, levels } = this.sources;
    const isWanted = this.settings.requests && levels.isEnabled(REQUEST_CONTEXT, 'error');
    this.isVerbose = levels.isEnabled(REQUEST_CONTEXT, 'debug');
    this.saysSuccess = levels.isEnabled(REQUEST_CONTEXT, 'info') && this.settings.successPercent > 0;
    if (!isWanted) this.stop();
    else if (this.unsubscribe === undefined) {
      const unsubscribe = exchanges.subscribe((event) => {
        this.tell(event);
      });
      const giveBack = failures.leaveToOthers();
      this.unsubscribe = () => {
        unsubscribe();
        giveBack();
      };
    }
  }

  /** Writes what is held back, and listens no more. */
  stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
    this.rationed.flush();
  }

  private tell(event: ExchangeEvent): void {
    if (isSuccess(event)) {
      if (!this.saysSuccess || (!this.isVerbose && isHealthCheck(event))) return;
      const { successPercent } = this.settings;
      if (successPercent < 100 && this.random() * 100 >= successPercent) return;
      this.write(event, 0);
    } else if (this.sources.levels.isEnabled(REQUEST_CONTEXT, severityOf(event))) {
      this.rationed.say(kindOf(event), event);
    }
  }

  private write(event: ExchangeEvent, more: number): void {
    const { message, fields } = requestLine(event, this.isVerbose, more);
    switch (severityOf(event)) {
      case 'debug':
        this.logger.debug(message, fields);
        break;
      case 'info':
        this.logger.log(message, fields);
        break;
      case 'warn':
        this.logger.warn(message, fields);
        break;
      case 'error':
      case 'fatal':
        this.logger.error(message, fields);
    }
  }
}
