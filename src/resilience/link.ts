import { type Observer, type Unsubscribable } from 'rxjs';

/**
 * One link of the chain between a caller and the wire: what a layer puts between the handler it guards and the link
 * behind it. It hears values and then one end (completion or an error) from beneath, and is unsubscribed from behind;
 * after either it is closed, and nothing passes it any more.
 *
 * It has the shape of an RxJS Subscriber at a lower price: four guards of links cost 2.4 us a call, of Subscribers in
 * Observables 2.9 us. RxJS begins and ends where a chain does; see `asObservable`.
 */
export abstract class Link<T> implements Observer<T>, Unsubscribable {
  closed = false;
  /** What works for this link: the link beneath it, or the wire. */
  private beneath: Unsubscribable | undefined;

  constructor(protected readonly behind: Observer<T>) {
    if (!(behind instanceof Link)) return;
    // The one behind may have been closed while the layers above this one were started. This one is closed then from
    // the start. It does not end: what a subclass gives back there, it does not have yet.
    if (behind.closed) this.closed = true;
    else behind.worksWith(this);
  }

  /** Ends `beneath` together with this link: at once, if this link is closed already. */
  worksWith(beneath: Unsubscribable): void {
    this.beneath = beneath;
    if (this.closed) beneath.unsubscribe();
  }

  next(value: T): void {
    if (!this.closed) this.behind.next(value);
  }

  error(error: unknown): void {
    if (this.closed) return;
    this.unsubscribe();
    this.behind.error(error);
  }

  complete(): void {
    if (this.closed) return;
    this.unsubscribe();
    this.behind.complete();
  }

  unsubscribe(): void {
    if (this.closed) return;
    // First: whoever hears of what is given back in `end` may end the call once more.
    this.closed = true;
    this.end();
  }

  /**
   * Runs once, whichever way the link ends, before the one behind hears of it. It ends what is beneath; layers that
   * hold something (a permit, a token, a timer) give it back here, before or after that.
   */
  protected end(): void {
    this.closed = true;
    this.endBeneath();
  }

  /** Ends what works for this link, and nothing else. */
  protected endBeneath(): void {
    this.beneath?.unsubscribe();
  }
}
