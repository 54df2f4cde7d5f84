/** The map that stands under a key in a map of maps: an empty one, put there, if there was none. */
export function inMap<K, K2, V>(outer: Map<K, Map<K2, V>>, key: K): Map<K2, V> {
  let inner = outer.get(key);
  if (inner === undefined) {
    inner = new Map<K2, V>();
    outer.set(key, inner);
  }
  return inner;
}
