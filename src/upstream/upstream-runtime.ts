import { type Clock } from '../resilience/clock.js';
import { type Random } from '../resilience/random.js';
import { type KeptAnswers } from './cache/kept-answers.js';
import { type ResolveHost } from './dns-discovery.js';
import { type UpstreamEvents } from './upstream-events.js';

/** What all upstreams of a gateway share. */
export interface UpstreamRuntime {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: UpstreamEvents;
  /** Where answers are kept; undefined where no upstream keeps any. */
  readonly answers?: KeptAnswers | undefined;
  /** How `strict-dns` resolves. Default: the system's resolver. */
  readonly resolve?: ResolveHost | undefined;
}
