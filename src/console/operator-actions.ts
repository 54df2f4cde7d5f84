import { Injectable, Logger } from '@nestjs/common';
import { RequestProblem } from '../aggregation/request-problem.js';
import { type CircuitBreaker } from '../resilience/circuit-breaker.js';
import { nearestName } from '../upstream/config/nearest-name.js';
import { type Upstream } from '../upstream/upstream.js';
import { type BreakerAction } from './console-state.js';
import { TransitionFeed } from './transition-feed.js';
import { WatchedGateway } from './watched-gateway.js';

const logger = new Logger('Audit');

/**
 * Does what an operator asks for, logs who it was, and tells the feed. All of it is of this process: another replica goes
 * on as it was, and so does this one when it is started again.
 */
@Injectable()
export class OperatorActions {
  constructor(
    private readonly gateway: WatchedGateway,
    private readonly feed: TransitionFeed,
  ) {}

  /**
   * @param who asks, by address.
   * @throws RequestProblem (404) where there is no such upstream.
   */
  breaker(name: string, action: BreakerAction['action'], who: string): void {
    const { breaker } = this.upstream(name);
    const before = breaker.stateName;
    act(breaker, action);
    const after = breaker.stateName;
    logger.log(`${action} of the breaker of '${name}' by ${who}: ${before} -> ${after}`);
    // A change of state is told by the breaker itself.
    if (before === after) {
      const text =
        action === 'force-open'
          ? `breaker of ${name} was forced open already`
          : `breaker of ${name} stays ${after}, and begins to count anew`;
      this.feed.add({ severity: 'info', kind: 'operator', upstream: name, text });
    }
  }

  /**
   * @param who asks, by address.
   * @throws RequestProblem (404) where there is no such upstream; (409) where nobody probes it.
   */
  probe(name: string, paused: boolean, who: string): void {
    const upstream = this.upstream(name);
    const { prober } = this.gateway;
    if (upstream.config.health === null) {
      throw new RequestProblem(409, `Nobody probes '${name}': its health is null in the configuration.`);
    }
    const before = prober.isPaused(name);
    if (paused) prober.pause(name);
    else prober.resume(name);
    logger.log(`probe of '${name}' by ${who}: ${stateOf(before)} -> ${stateOf(paused)}`);
    if (before === paused) return;
    const text = `probes of ${name} ${paused ? 'paused' : 'resumed'} by an operator`;
    this.feed.add({ severity: paused ? 'warning' : 'info', kind: 'operator', upstream: name, text });
  }

  private upstream(name: string): Upstream {
    const { registry } = this.gateway;
    const upstream = registry.find(name);
    if (upstream !== undefined) return upstream;
    const nearest = nearestName(
      name,
      registry.all().map((each) => each.name),
    );
    const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
    throw new RequestProblem(404, `There is no upstream of that name.${hint}`);
  }
}

function act(breaker: CircuitBreaker, action: BreakerAction['action']): void {
  switch (action) {
    case 'force-open':
      breaker.setMode('force-open');
      break;
    case 'close':
      breaker.close();
      break;
    case 'reset':
      breaker.restore();
      break;
  }
}

function stateOf(paused: boolean): string {
  return paused ? 'paused' : 'running';
}
