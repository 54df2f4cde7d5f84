import { type AdmissionControl } from '../aggregation/admission-control.js';
import { type AdmissionSnapshot, PRIORITIES } from '../resilience/admission.js';
import { type MetricFamily, type MetricSource } from './metric-family.js';
import { type Reading, ScrapedFamily } from './scraped-family.js';

/** What the door of the API sees; nothing where there is none. */
export class AdmissionMetrics implements MetricSource {
  readonly families: readonly MetricFamily[];

  constructor(admission: AdmissionControl) {
    const ofDoor = (read: (seen: AdmissionSnapshot) => readonly Reading[]) => () => {
      const seen = admission.snapshot();
      return seen === undefined ? [] : read(seen);
    };
    this.families = [
      new ScrapedFamily(
        'gauge',
        'tributary_admission_in_flight',
        'Requests to the API that are being answered.',
        ofDoor(({ inFlight }) => [[inFlight]]),
      ),
      new ScrapedFamily(
        'counter',
        'tributary_admission_shed_total',
        'Requests refused because the gateway had more to do than it could, by priority.',
        ofDoor(({ refused }) => PRIORITIES.map((priority) => [refused[priority], { priority }])),
      ),
      new ScrapedFamily(
        'gauge',
        'tributary_admission_loop_delay_seconds',
        'Smoothed event-loop delay, which the door goes by.',
        ofDoor(({ loopDelayMs }) => [[loopDelayMs / 1000]]),
      ),
    ];
  }
}
