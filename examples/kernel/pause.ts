import { type ServerResponse } from 'node:http';
import { type FaultPlan } from './fault-plan.js';

/**
 * Holds a request up for a time (for good, with Infinity), until the faults are healed or the caller goes away.
 * @returns whether there is still somebody to answer.
 */
export function pause(ms: number, response: ServerResponse, plan: FaultPlan): Promise<boolean> {
  return new Promise((resolve) => {
    const goOn = (): void => {
      clearTimeout(timer);
      forget();
      response.off('close', goOn);
      resolve(!response.closed);
    };
    const timer = ms === Infinity ? undefined : setTimeout(goOn, ms);
    const forget = plan.whenOver(goOn);
    response.once('close', goOn);
    if (response.closed) goOn();
  });
}
