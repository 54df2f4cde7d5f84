import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const START_WITHIN_MS = 30_000;
const ASK_EVERY_MS = 50;

/**
 * Waits until a server answers, whatever it answers.
 * @param ended settles when there is nothing left to wait for.
 */
export async function untilAnswering(url: string, ended: Promise<string>): Promise<void> {
  let end: string | undefined;
  void ended.then((how) => (end = how));
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!(await answers(url))) {
    if (end !== undefined) throw new Error(`it ${end} before it answered`);
    if (performance.now() > giveUpAt)
      throw new Error(`no answer at ${url} within ${START_WITHIN_MS / 1_000} s`);
    await delay(ASK_EVERY_MS);
  }
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
