const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes a Ctrl-C on to its script, which has had it from the terminal already: those two are one. */
const SAME_ASK_MS = 500;
const LOOK_FOR_PARENT_EVERY_MS = 200;

/** Calls `first` when somebody asks this process to stop, and `again` when they insist. */
export function onStopAsked(first: () => void, again: () => void): void {
  let askedAt: number | undefined;
  const ask = (): void => {
    const now = performance.now();
    if (askedAt === undefined) {
      askedAt = now;
      first();
    } else if (now - askedAt > SAME_ASK_MS) {
      again();
    }
  };
  for (const signal of STOP_SIGNALS) process.on(signal, ask);
  // npm hands a SIGTERM to the shell between it and us, and a shell such as dash dies of it without telling.
  if (process.env['npm_lifecycle_event'] !== undefined) onceOrphaned(ask);
}

/** Calls back when the parent process has ended, for which there is no signal. */
function onceOrphaned(callback: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, LOOK_FOR_PARENT_EVERY_MS);
  timer.unref();
}
