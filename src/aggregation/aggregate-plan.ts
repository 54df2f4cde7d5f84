import { Observable } from 'rxjs';
import { CompositeRun, type CompositeSettings, type Stage } from './composite-run.js';

/**
 * Answers the stages of a plan as one object, as `aggregate()` and `thenAlso()` do; what a stage needs may be declared
 * anywhere in the list, as long as there is no cycle. Keys and report stand in the order of the list.
 *
 * @param given values that every stage gets beside those of the parts it needs: what differs from run to run, so that the
 * stages need not.
 */
export function aggregatePlan(
  stages: readonly Stage[],
  settings: CompositeSettings,
  given: Readonly<Record<string, unknown>>,
): Observable<Readonly<Record<string, unknown>>> {
  return new Observable((subscriber) => {
    new CompositeRun(stages, settings, given).start(subscriber);
  });
}
