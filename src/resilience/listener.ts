import { type Clock } from './clock.js';

/** Calls a listener. What it throws costs the call nothing; it surfaces as any other error that nobody caught. */
export function tellListener(clock: Clock, listener: () => void): void {
  try {
    listener();
  } catch (bug) {
    clock.setTimeout(rethrow, 0, bug);
  }
}

function rethrow(error: unknown): never {
  throw error;
}
