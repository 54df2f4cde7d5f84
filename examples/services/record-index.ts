/** Records by a key that each has for itself. */
export function indexed<T>(records: readonly T[], key: (record: T) => string): Map<string, T> {
  return new Map(records.map((record) => [key(record), record]));
}

/** Records by a key that several share, in the order given. */
export function grouped<T>(records: readonly T[], key: (record: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const record of records) {
    const group = groups.get(key(record));
    if (group) group.push(record);
    else groups.set(key(record), [record]);
  }
  return groups;
}

/** The records of a batch, in the order asked for; those that do not exist are left out. */
export function lookUp<T>(index: ReadonlyMap<string, T>, keys: readonly string[]): T[] {
  return keys.flatMap((key) => index.get(key) ?? []);
}
