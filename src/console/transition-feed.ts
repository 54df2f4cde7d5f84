import { type Observable, Subject } from 'rxjs';
import { type Transition } from './console-state.js';
import { RingBuffer } from './ring-buffer.js';

/** How many are kept for whoever comes later. */
export const KEPT_TRANSITIONS = 200;

export type NewTransition = Omit<Transition, 'id' | 'at'>;

/**
 * What has happened to the gateway, told as it happens, the last of it kept. The ids count on from the moment it was
 * made (ms since the epoch): so they go on counting when the gateway is started again, and whoever comes back with the
 * last id of the one before gets all there is of this one.
 */
export class TransitionFeed {
  private readonly kept = new RingBuffer<Transition>(KEPT_TRANSITIONS);
  private readonly told = new Subject<Transition>();
  private lastId: number;

  /** @param now the wall clock, in ms since the epoch. Default: that of the system. */
  constructor(private readonly now: () => number = Date.now) {
    this.lastId = now();
  }

  get transitions(): Observable<Transition> {
    return this.told;
  }

  add(transition: NewTransition): void {
    const added: Transition = { id: ++this.lastId, at: this.now(), ...transition };
    this.kept.add(added);
    this.told.next(added);
  }

  /** Those kept that came after the one of this id, the oldest first; all of them after an id there has not been yet. */
  after(id: number): Transition[] {
    return this.kept.oldestFirst().filter((kept) => kept.id > id || id > this.lastId);
  }
}
