import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type ExchangeEvent, ExchangeEvents, type NamedComposite } from '../aggregation/exchange-events.js';
import { systemClock } from '../resilience/clock.js';
import { type CompositeRunner } from '../composite/composite-runner.js';
import { CompositeTable } from '../composite/composite-table.js';

/** A composite that calls an upstream. */
export interface AffectedComposite {
  /** Of one in the gateway file its key; of one in code what it was named, or its verb and route. */
  readonly name: string;
  /** In upper case. */
  readonly method: string;
  /** As it was declared, with parameters as `{id}`. */
  readonly route: string;
}

/** Composites that ran without anything new, one after another, after which there is nothing left to learn for now. */
const ENOUGH = 500;
/** How long what was learned is good enough for whoever asks, in ms. */
const LISTEN_AGAIN_MS = 10_000;
/** Names made of values would have no end. */
const MOST = 1_000;

/**
 * Which composites feel it when an upstream hurts. Those of the gateway file are known from their plans, now and after
 * every reload; those in code are learned from the requests that run them.
 *
 * It listens to requests from the start, and again once somebody has asked, until 500 in a row have told nothing new:
 * what there is to learn is learned soon, and requests pay nothing for the rest.
 */
@Injectable()
export class AffectedComposites implements OnApplicationBootstrap, OnModuleDestroy {
  private stopListening: (() => void) | undefined;
  private stoppedAt = -Infinity;
  private nothingNew = 0;
  private isOver = false;
  /** What runs have shown, by name. */
  private readonly learned = new Map<string, Learned>();
  private planned: Planned = { runners: [], byUpstream: new Map() };
  /** A request to one that a reload has taken away may end after it. */
  private readonly everPlanned = new Set<string>();

  constructor(
    private readonly requests: ExchangeEvents,
    private readonly table: CompositeTable,
  ) {}

  /** Runs again where another application shares this: Nest calls the hooks of values too. */
  onApplicationBootstrap(): void {
    this.followTable();
    if (this.stopListening === undefined) this.listen();
  }

  onModuleDestroy(): void {
    this.isOver = true;
    this.stop();
  }

  /** Those that call it: of the file in its order, then those in code in the order they were first seen in. */
  of(upstream: string): readonly AffectedComposite[] {
    this.listenAgain();
    this.followTable();
    const planned = this.planned.byUpstream.get(upstream) ?? [];
    const learned = [...this.learned.values()].filter(({ upstreams }) => upstreams.has(upstream));
    return [...planned, ...learned.map(({ composite }) => composite)];
  }

  namesOf(upstream: string): readonly string[] {
    return this.of(upstream).map(({ name }) => name);
  }

  private listen(): void {
    this.nothingNew = 0;
    this.stopListening = this.requests.subscribe((event) => {
      this.learnFrom(event);
    });
  }

  private listenAgain(): void {
    const isListening = this.stopListening !== undefined;
    if (isListening || this.isOver || systemClock.now() - this.stoppedAt < LISTEN_AGAIN_MS) return;
    this.listen();
  }

  private stop(): void {
    this.stopListening?.();
    this.stopListening = undefined;
    this.stoppedAt = systemClock.now();
  }

  private learnFrom({ method, route, composites }: ExchangeEvent): void {
    if (composites.length === 0 || route === undefined) return;
    this.followTable();
    let isNew = false;
    for (const composite of composites) isNew = this.learn(composite, method, route) || isNew;
    this.nothingNew = isNew ? 0 : this.nothingNew + 1;
    if (this.nothingNew >= ENOUGH) this.stop();
  }

  /** Whether it has shown anything that was not known. */
  private learn(finished: NamedComposite, method: string, route: string): boolean {
    const { name } = finished;
    if (this.everPlanned.has(name)) return false;
    let known = this.learned.get(name);
    if (known === undefined) {
      if (this.learned.size >= MOST) return false;
      known = { composite: { name, method, route }, upstreams: new Set() };
      this.learned.set(name, known);
    }
    const before = known.upstreams.size;
    for (const { upstreams } of finished.outline()) {
      for (const upstream of upstreams) known.upstreams.add(upstream);
    }
    return known.upstreams.size > before;
  }

  private followTable(): void {
    const { runners } = this.table;
    if (runners === this.planned.runners) return;
    const byUpstream = new Map<string, AffectedComposite[]>();
    for (const { plan } of runners) {
      const { name, method, route } = plan.config;
      this.everPlanned.add(name);
      for (const upstream of new Set(plan.parts.map(({ config }) => config.upstream))) {
        const composites = byUpstream.get(upstream) ?? [];
        composites.push({ name, method, route });
        byUpstream.set(upstream, composites);
      }
    }
    this.planned = { runners, byUpstream };
  }
}

interface Learned {
  readonly composite: AffectedComposite;
  readonly upstreams: Set<string>;
}

interface Planned {
  /** What it was worked out from. */
  readonly runners: readonly CompositeRunner[];
  readonly byUpstream: ReadonlyMap<string, readonly AffectedComposite[]>;
}
