import { type Clock } from '../resilience/clock.js';
import { type Random } from '../resilience/random.js';

/** Spread of the age either way: connections opened in one burst do not all go in one. */
const JITTER = 0.2;

/** How old a pool's connections get. */
export class ConnectionAge {
  constructor(
    private readonly maxAgeMs: number,
    private readonly clock: Pick<Clock, 'now'>,
    private readonly random: Random,
  ) {}

  /** The moment from which a connection that opens now is to be given up. */
  endOfNewOne(): number {
    return this.clock.now() + this.maxAgeMs * (1 + (this.random() * 2 - 1) * JITTER);
  }

  /** Of age 0, one is given up with its first request, which is sent before the connection is there. */
  isOver(end: number): boolean {
    return this.maxAgeMs === 0 || this.clock.now() >= end;
  }
}
