import { type Clock, systemClock, type Timer } from '../../resilience/clock.js';
import { type LogLevel } from '../../upstream/config/telemetry-config.js';
import { RANKS, type Severity } from './log-record.js';

/** Who changed what is written whatever the levels are: nobody can work unseen. */
export const AUDIT_CONTEXT = 'Audit';

/** A level that was set while the gateway runs. */
export interface SetLevel {
  readonly level: LogLevel;
  /** When it ends, in ms since the epoch; undefined for one that stays until the process ends. */
  readonly until: number | undefined;
}

interface RunningLevel extends SetLevel {
  readonly timer: Timer;
}

/** How many contexts are remembered: there are as many as there are classes that log. */
const MAX_CONTEXTS = 1_000;

/**
 * What is logged: one level for all, that of the configuration or one set since, and levels of their own for single
 * contexts. A level may be set for a while.
 */
export class LogLevels {
  private configured: LogLevel;
  private overall: RunningLevel | undefined;
  private readonly own = new Map<string, RunningLevel>();
  /** The least rank that is logged, of each context that has spoken. */
  private readonly least = new Map<string, number>();
  private listeners: readonly (() => void)[] = [];

  constructor(
    configured: LogLevel = 'info',
    private readonly onEnd: (context: string | undefined) => void = () => undefined,
    private readonly clock: Clock = systemClock,
    private readonly wall: () => number = Date.now,
  ) {
    this.configured = configured;
  }

  /** The level that the file gives. */
  get ofFile(): LogLevel {
    return this.configured;
  }

  /** The level of what has none of its own. */
  get ofAll(): LogLevel {
    return this.overall?.level ?? this.configured;
  }

  /** Every context that has spoken, or tried to, in alphabetical order. */
  get contexts(): readonly string[] {
    return [...this.least.keys()].filter((context) => context !== '').sort();
  }

  of(context: string): LogLevel {
    return this.own.get(context)?.level ?? this.ofAll;
  }

  /** What was set for a context, or for all; undefined where nothing was. */
  setFor(context: string | undefined): SetLevel | undefined {
    const running = context === undefined ? this.overall : this.own.get(context);
    return running === undefined ? undefined : { level: running.level, until: running.until };
  }

  isEnabled(context: string, severity: Severity): boolean {
    const least = this.least.get(context) ?? this.meet(context);
    return RANKS[severity] >= least;
  }

  /** Remembers contexts that may not have spoken yet. */
  announce(...contexts: readonly string[]): void {
    for (const context of contexts) if (!this.least.has(context)) this.meet(context);
  }

  /** What the file says now. What was set since stays set. */
  configure(level: LogLevel): void {
    this.configured = level;
    this.changed();
  }

  /** @param forMs how long; undefined for until the process ends. */
  set(context: string | undefined, level: LogLevel, forMs?: number): void {
    this.forget(context);
    const until = forMs === undefined ? undefined : this.wall() + forMs;
    const timer =
      forMs === undefined
        ? undefined
        : this.clock.setTimeout(
            () => {
              this.reset(context);
              this.onEnd(context);
            },
            forMs,
            undefined,
          );
    const running: RunningLevel = { level, until, timer };
    if (context === undefined) this.overall = running;
    else this.own.set(context, running);
    this.changed();
  }

  /** Back to the level of all, or of the file. */
  reset(context: string | undefined): void {
    this.forget(context);
    this.changed();
  }

  /** Calls `listener` whenever a level may have changed; the answer stops it. */
  onChange(listener: () => void): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((other) => other !== listener);
    };
  }

  /** Ends every wait for a level to end. */
  stop(): void {
    for (const running of [this.overall, ...this.own.values()]) this.clock.clearTimeout(running?.timer);
  }

  private meet(context: string): number {
    const least = context === AUDIT_CONTEXT ? RANKS.debug : RANKS[this.of(context)];
    if (this.least.size < MAX_CONTEXTS) this.least.set(context, least);
    return least;
  }

  private forget(context: string | undefined): void {
    const running = context === undefined ? this.overall : this.own.get(context);
    this.clock.clearTimeout(running?.timer);
    if (context === undefined) this.overall = undefined;
    else this.own.delete(context);
  }

  private changed(): void {
    for (const context of this.least.keys()) this.meet(context);
    for (const listener of this.listeners) listener();
  }
}
