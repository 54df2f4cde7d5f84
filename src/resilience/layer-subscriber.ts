import { Subscriber } from 'rxjs';

/**
 * A subscriber that stands between a source and the subscriber behind it: what a layer hands to the source it guards.
 * Unsubscribing the one behind unsubscribes this one, and with it the source.
 *
 * One object a layer. An observer handed to `subscribe()` would become three; with five layers that is 1 us a call.
 */
export abstract class LayerSubscriber<T> extends Subscriber<T> {
  constructor(protected readonly behind: Subscriber<T>) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "internal" until RxJS 8, and how its operators do it
    super(behind);
  }
}
