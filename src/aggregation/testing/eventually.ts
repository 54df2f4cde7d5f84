const PATIENCE_MS = 10_000;

/** Waits, turn by turn of the event loop, until `condition` holds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > givesUpAt)
      throw new Error(`waited ${PATIENCE_MS} ms for ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
