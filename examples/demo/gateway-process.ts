import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child } from './child.js';
import { DemoFailure } from './demo-failure.js';

const START_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 50;

/**
 * Waits until the gateway answers, whatever it answers.
 * @throws {DemoFailure} as soon as it ends instead, and when it has not answered after 30 s.
 */
export async function answering(gateway: Child, url: string): Promise<void> {
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!gateway.isGone && performance.now() < giveUpAt) {
    if (await answers(url)) return;
    await delay(ASK_EVERY_MS);
  }
  throw new DemoFailure(
    gateway.isGone
      ? `The gateway ${await gateway.exited} before it answered.`
      : `The gateway did not answer at ${url} within ${START_WITHIN_MS / 1_000} s.`,
  );
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(true);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => {
      resolve(false);
    });
  });
}
