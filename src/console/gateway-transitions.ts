import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { type ConfigurationChange } from '../health/configuration-state.js';
import { type HealthChange } from '../health/health-log.js';
import { type AdmissionTransition } from '../resilience/admission.js';
import { type Upstream } from '../upstream/upstream.js';
import { type NewTransition, TransitionFeed } from './transition-feed.js';
import { seconds, transitionOf } from './upstream-transition.js';
import { WatchedGateway } from './watched-gateway.js';

/** Tells the feed what happens to the gateway, in a sentence each. */
@Injectable()
export class GatewayTransitions implements OnModuleDestroy {
  private readonly subscription = new Subscription();

  /** Here, and not when the application starts: what a breaker does is to be told before what becomes of it. */
  constructor({ registry, healthLog, admission, configuration }: WatchedGateway, feed: TransitionFeed) {
    const { subscription } = this;
    const find = (name: string): Upstream | undefined => registry.find(name);
    subscription.add(
      registry.events.subscribe((event) => {
        const transition = transitionOf(event, find);
        if (transition !== undefined) feed.add(transition);
      }),
    );
    subscription.add(
      healthLog.changes.subscribe((change) => {
        feed.add(ofHealth(change));
      }),
    );
    subscription.add(
      admission.transitions.subscribe((transition) => {
        feed.add(ofAdmission(transition));
      }),
    );
    subscription.add(
      configuration.changes.subscribe((change) => {
        feed.add(ofConfiguration(change));
      }),
    );
  }

  onModuleDestroy(): void {
    this.subscription.unsubscribe();
  }
}

function ofHealth(change: HealthChange): NewTransition {
  const { upstream } = change;
  if (change.change === 'back') {
    const text = `${upstream} is back after ${seconds(change.afterMs)}`;
    return { severity: 'good', kind: 'health', upstream, text };
  }
  const consequence = change.critical ? '; the gateway is not ready' : '';
  const text = `${upstream} is down: ${change.reason}${consequence}`;
  return { severity: 'bad', kind: 'health', upstream, text };
}

function ofAdmission(transition: AdmissionTransition): NewTransition {
  const about = { kind: 'admission', upstream: null } as const;
  if (!transition.shedding) {
    const { refused } = transition;
    const those = refused === 1 ? '1 was' : `${refused} were`;
    return { ...about, severity: 'good', text: `requests are no longer refused; ${those}` };
  }
  const because =
    transition.because === 'in-flight' ? 'too many are being answered' : 'the event loop is late';
  return { ...about, severity: 'bad', text: `requests are refused: ${because}` };
}

function ofConfiguration(change: ConfigurationChange): NewTransition {
  const about = { kind: 'configuration', upstream: null } as const;
  switch (change.outcome) {
    case 'replaced': {
      const text = `configuration ${change.generation} taken over: ${change.changes}`;
      return { ...about, severity: 'info', text };
    }
    case 'refused': {
      const text = `a new configuration was refused${placesOf(change.problems)}; the one before stays`;
      return { ...about, severity: 'warning', text };
    }
    case 'recovered':
      return { ...about, severity: 'good', text: 'the file says again what is in force' };
  }
}

/** ` at gateway.yaml:12:7 upstreams.orders.url and 2 more places`; the log says what is wrong there. */
function placesOf([first, ...others]: readonly string[]): string {
  if (first === undefined) return '';
  if (others.length === 0) return ` at ${first}`;
  return ` at ${first} and ${others.length} more ${others.length === 1 ? 'place' : 'places'}`;
}
