import { type Clock, type Timer } from './clock.js';

/** Time between two samples, in ms. */
export const SAMPLE_EVERY_MS = 100;

/**
 * Measures how late the event loop is, by how late a timer fires: one timer for the whole process, nothing a request.
 * It keeps the process alive until it is stopped.
 */
export class LoopDelaySampler {
  private timer: Timer;
  private dueAt = 0;
  private running = false;

  constructor(
    private readonly clock: Clock,
    private readonly onSample: (delayMs: number) => void,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.arm();
  }

  stop(): void {
    this.running = false;
    this.clock.clearTimeout(this.timer);
  }

  private arm(): void {
    this.dueAt = this.clock.now() + SAMPLE_EVERY_MS;
    this.timer = this.clock.setTimeout(sample, SAMPLE_EVERY_MS, this);
  }

  /** The timer has fired. */
  fired(): void {
    this.onSample(Math.max(0, this.clock.now() - this.dueAt));
    if (this.running) this.arm();
  }
}

function sample(sampler: LoopDelaySampler): void {
  sampler.fired();
}
