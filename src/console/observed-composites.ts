import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { type ExchangeEvent, type NamedComposite } from '../aggregation/exchange-events.js';
import { type CompositeRunner } from '../composite/composite-runner.js';
import { ObservedComposite } from './observed-composite.js';
import { WatchedGateway } from './watched-gateway.js';

/** Of composites that code names, so many are known: those that ran last. Code may make names up as it goes. */
const MAX_FROM_CODE = 500;

/** Of composites the file has no more, so many are remembered as such. */
const MAX_REMOVED = 1_000;

/**
 * All composites: those of the file, which are known from the start and forgotten when the file has them no more, and
 * those of code, which are known once they have run.
 */
@Injectable()
export class ObservedComposites implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly fromCode = new LRUCache<string, ObservedComposite>({ max: MAX_FROM_CODE });
  /** In the order of the file. */
  private fromFile: ReadonlyMap<string, ObservedComposite> = new Map();
  /** What the file says of them. */
  private runners: readonly CompositeRunner[] = [];
  /** What still runs when the file has it no more is not a composite of code. */
  private readonly removed = new LRUCache<string, true>({ max: MAX_REMOVED });
  private stopListening: () => void = () => undefined;

  constructor(private readonly gateway: WatchedGateway) {}

  onApplicationBootstrap(): void {
    this.stopListening = this.gateway.exchanges.subscribe((event) => {
      for (const composite of event.composites) this.note(event, composite);
    });
  }

  onModuleDestroy(): void {
    this.stopListening();
  }

  /** Those of the file in its order, then those of code in the order of their names. */
  all(): readonly ObservedComposite[] {
    this.followFile();
    const fromCode = [...this.fromCode.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
    return [...this.fromFile.values(), ...fromCode.map(([, composite]) => composite)];
  }

  names(): readonly string[] {
    this.followFile();
    return [...this.fromFile.keys(), ...this.fromCode.keys()];
  }

  find(name: string): ObservedComposite | undefined {
    this.followFile();
    return this.fromFile.get(name) ?? this.fromCode.get(name);
  }

  private note(event: ExchangeEvent, composite: NamedComposite): void {
    this.followFile();
    // HEAD is GET without the body, and the same composite.
    const method = event.method === 'HEAD' ? 'GET' : event.method;
    const { route = '' } = event;
    this.observed(composite.name, method, route)?.note(event, composite);
  }

  private observed(name: string, method: string, route: string): ObservedComposite | undefined {
    const known = this.fromFile.get(name) ?? this.fromCode.get(name);
    if (known !== undefined || this.removed.has(name)) return known;
    const composite = this.made(name, method, route);
    this.fromCode.set(name, composite);
    return composite;
  }

  private followFile(): void {
    const { runners } = this.gateway.composites;
    if (runners === this.runners) return;
    this.runners = runners;
    const before = this.fromFile;
    const next = new Map<string, ObservedComposite>();
    for (const { plan } of runners) {
      const { name, method, route } = plan.config;
      const composite = before.get(name) ?? this.made(name, method, route);
      composite.planned(plan);
      next.set(name, composite);
      this.removed.delete(name);
      this.fromCode.delete(name);
    }
    for (const name of before.keys()) if (!next.has(name)) this.removed.set(name, true);
    this.fromFile = next;
  }

  private made(name: string, method: string, route: string): ObservedComposite {
    const { registry, clock } = this.gateway;
    return new ObservedComposite(
      { name, method, route },
      clock,
      registry.config.telemetry.console.keptRequests,
    );
  }
}
