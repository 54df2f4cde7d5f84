import { setTimeout as sleep } from 'node:timers/promises';
import { type CompositeRequest } from '../composite/composite-request.js';
import { type InProcessAnswer, InProcessGateway } from '../in-process-gateway.js';
import { type Combination } from './combinations.js';
import { matrixDefinition, type MatrixStage, routeOf } from './matrix-definition.js';
import { StallWatch } from './stall-watch.js';

/** What a composite's deadline comes down to where something is slow, in ms: in the first round, and in those after it. */
const SLOW_DEADLINES_MS: readonly number[] = [250, 500, 1_000, 2_000, 4_000];
/** A process that stood still for this share of the deadline may have decided what came first. */
const MAX_STALL_SHARE = 0.05;
/** Combinations under way at once. */
const LANES = 24;
/** Time between two that are timed, in ms: were they started together, they would be late together. */
const PACE_MS = 10;

/**
 * Asks for the composite of each combination; the answers stand in the order of the combinations. One with something slow
 * in it, during which the process stood still, is asked for again in slower time: its timers have said more about the
 * machine than about it.
 */
export async function runMatrix(
  stage: MatrixStage,
  request: CompositeRequest,
  combinations: readonly Combination[],
): Promise<readonly InProcessAnswer[]> {
  const answers: InProcessAnswer[] = [];
  let left: ReadonlyMap<number, Combination> = new Map(combinations.entries());
  for (const slowDeadlineMs of SLOW_DEADLINES_MS) {
    if (left.size > 0) left = await runRound(stage, request, left, slowDeadlineMs, answers);
  }
  return answers;
}

/** Answers those that have to be tried again. */
async function runRound(
  stage: MatrixStage,
  request: CompositeRequest,
  combinations: ReadonlyMap<number, Combination>,
  slowDeadlineMs: number,
  answers: InProcessAnswer[],
): Promise<ReadonlyMap<number, Combination>> {
  const gateway = await InProcessGateway.start(matrixDefinition(stage, combinations, slowDeadlineMs));
  const watch = new StallWatch();
  const again = new Map<number, Combination>();
  const ask = async (index: number): Promise<void> => {
    answers[index] = await gateway.ask({ ...request, url: routeOf(index, request.url) });
  };
  const askTimed = async (index: number): Promise<void> => {
    const startedAt = performance.now();
    await ask(index);
    if (watch.longestSince(startedAt) <= slowDeadlineMs * MAX_STALL_SHARE) return;
    const combination = combinations.get(index);
    if (combination !== undefined) again.set(index, combination);
  };
  const [timed, untimed] = [true, false].map((wanted) =>
    [...combinations].flatMap(([index, combination]) => (isTimed(combination) === wanted ? [index] : [])),
  );
  try {
    await inLanes(untimed ?? [], 0, ask);
    await inLanes(timed ?? [], PACE_MS, askTimed);
  } finally {
    watch.stop();
    await gateway.stop();
  }
  return new Map([...again].sort(([one], [other]) => one - other));
}

/** Whether what comes of it depends on what is over first: only what is slow has little time. */
function isTimed(combination: Combination): boolean {
  return Object.values(combination).includes('slow');
}

/** Does the work for each, some of them at once, with a pause between one start and the next. */
async function inLanes(
  items: readonly number[],
  paceMs: number,
  work: (item: number) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  for (const item of items) {
    while (running.size >= LANES) await Promise.race(running);
    if (paceMs > 0) await sleep(paceMs);
    const done = work(item).finally(() => running.delete(done));
    running.add(done);
  }
  await Promise.all(running);
}
