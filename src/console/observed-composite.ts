import { type FinishedComposite } from '../aggregation/exchange-context.js';
import { type ExchangeEvent } from '../aggregation/exchange-events.js';
import { type CompositePlan } from '../composite/plan.js';
import { type Clock } from '../resilience/clock.js';
import { CompositeStatistics } from './composite-statistics.js';
import { type CompositeDetail, type CompositeState, type PlanPart } from './console-state.js';
import { LearnedPlan } from './learned-plan.js';
import { RequestRecords } from './request-records.js';

/** Where a composite is served. */
export interface CompositePlace {
  readonly name: string;
  readonly method: string;
  /** As it was declared, with parameters as `{id}`. */
  readonly route: string;
}

/** One composite as the console knows it: its plan, how its requests went, and the last of them. */
export class ObservedComposite {
  private readonly statistics: CompositeStatistics;
  private readonly records: RequestRecords;
  private readonly learned = new LearnedPlan();
  private plan: readonly PlanPart[] | undefined;

  constructor(
    private place: CompositePlace,
    clock: Clock,
    keptRequests: number,
  ) {
    this.statistics = new CompositeStatistics(clock);
    this.records = new RequestRecords(keptRequests);
  }

  /** This is its plan, and where it is served, from now on. */
  planned({ config, parts }: CompositePlan): void {
    const { name, method, route } = config;
    this.place = { name, method, route };
    this.plan = parts.map(({ config: { name: part, required, upstream }, needs }) => ({
      part,
      required,
      needs,
      upstreams: [upstream],
    }));
  }

  note(event: ExchangeEvent, composite: FinishedComposite): void {
    const { status, clientLeft } = event;
    const { report, durationMs, outline } = composite;
    if (this.plan === undefined) this.learned.learn(report.parts.length, outline);
    const isNotable = this.statistics.add({ durationMs, status, clientLeft, report });
    this.records.add(event, composite, isNotable);
  }

  private get parts(): readonly PlanPart[] {
    return this.plan ?? this.learned.parts;
  }

  state(): CompositeState {
    const { parts } = this;
    const upstreamsOf = new Map(parts.map(({ part, upstreams }) => [part, upstreams]));
    const degradedBy = this.statistics
      .degradedBy()
      .map((degradation) => ({ ...degradation, upstreams: upstreamsOf.get(degradation.part) ?? [] }));
    return { ...this.place, ...this.statistics.read(), degradedBy };
  }

  detail(): CompositeDetail {
    return { name: this.place.name, plan: this.parts, ...this.records.read() };
  }
}
