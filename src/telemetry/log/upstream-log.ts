import { Logger } from '@nestjs/common';
import { RequestContext } from '../../upstream/request-context.js';
import { type UpstreamEvent, type UpstreamEvents } from '../../upstream/upstream-events.js';
import { type LogLevels } from './log-levels.js';
import { OWN_FIELDS } from './log-record.js';

export const UPSTREAM_CONTEXT = 'Upstream';

/**
 * Every call with its outcome and what the layers around it did, for whoever looks for something: at level debug only,
 * and listening at no other.
 */
export class UpstreamLog {
  private readonly logger = new Logger(UPSTREAM_CONTEXT);
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly events: UpstreamEvents,
    private readonly levels: LogLevels,
  ) {}

  follow(): void {
    if (!this.levels.isEnabled(UPSTREAM_CONTEXT, 'debug')) this.stop();
    else
      this.unsubscribe ??= this.events.subscribe((event) => {
        this.tell(event);
      });
  }

  stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  private tell(event: UpstreamEvent): void {
    const { id } = RequestContext.current();
    const { type, ...rest } = event;
    this.logger.debug(`${event.upstream}: ${textOf(event)}`, {
      [OWN_FIELDS]: true,
      requestId: id === '' ? undefined : id,
      event: type,
      ...rest,
    });
  }
}

function textOf(event: UpstreamEvent): string {
  switch (event.type) {
    case 'attempt':
      return `attempt ${event.number} ${event.outcome} in ${ms(event.durationMs)}`;
    case 'call': {
      const status = event.status === undefined ? '' : ` ${event.status}`;
      return `${event.method}${status} ${event.outcome} in ${ms(event.durationMs)}, ${counted(event.attempts, 'attempt')}`;
    }
    case 'retry':
      return `attempt ${event.number} follows in ${ms(event.delayMs)}${event.free ? ' (the connection had been closed)' : ''}`;
    case 'hedge':
      return `attempt ${event.number} is sent beside one that has run for ${ms(event.delayMs)}`;
    case 'hedge-won':
      return `attempt ${event.number}, a hedge, answered first`;
    case 'breaker':
      return `the breaker is ${event.to}; it was ${event.from}`;
    case 'breaker-notice':
      return `the breaker notes: ${event.notice}`;
    case 'endpoint-refused':
      return `${event.origin} refused a connection`;
    case 'ejection':
      return `${event.origin} is ${event.change}`;
    case 'discovery':
      return event.outcome === 'changed'
        ? `its addresses are ${event.origins.join(', ')}`
        : `${event.hostname} was not resolved: ${event.code}`;
    case 'cache':
      return `cache ${event.result}${event.ageMs === undefined ? '' : `, ${ms(event.ageMs)} old`}`;
    case 'coalesced':
      return 'waits for the answer to an equal call';
    case 'configured':
      return event.change === 'changed' ? `changed: ${event.settings.join(', ')}` : event.change;
  }
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
