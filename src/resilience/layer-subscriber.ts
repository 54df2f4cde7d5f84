import { Subscriber } from 'rxjs';

/**
 * A subscriber that stands between a source and the subscriber behind it: what a layer hands to the source it guards.
 * Unsubscribing the one behind unsubscribes this one, and with it the source.
 *
 * Its teardown is a method one can read and override, where an observer would need closures. As fast as observers:
 * 0.6 us for five of either.
 */
export abstract class LayerSubscriber<T> extends Subscriber<T> {
  constructor(protected readonly behind: Subscriber<T>) {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- "internal" until RxJS 8, and how its operators do it
    super(behind);
  }
}
