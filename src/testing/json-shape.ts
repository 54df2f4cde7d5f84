/** What a JSON value is made of: `{id: string, orders: [{sku: string}], offers: null}`. */
export function jsonShape(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${[...new Set(value.map(jsonShape))].join(' | ')}]`;
  if (typeof value !== 'object') return typeof value;
  const fields = Object.entries(value).map(
    ([key, field]: [string, unknown]) => `${key}: ${jsonShape(field)}`,
  );
  return `{${fields.join(', ')}}`;
}

/** What stands where in a JSON value: `orders[].sku` is a string. Several kinds at one place stand beside each other. */
export function jsonPlaces(value: unknown): ReadonlyMap<string, string> {
  const places = new Map<string, Set<string>>();
  collect(value, '', places);
  return new Map([...places].map(([place, kinds]) => [place, [...kinds].sort().join(' | ')]));
}

function collect(value: unknown, place: string, places: Map<string, Set<string>>): void {
  const kinds = places.get(place) ?? new Set();
  places.set(place, kinds.add(kindOf(value)));
  if (Array.isArray(value)) for (const element of value) collect(element, `${place}[]`, places);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, field] of Object.entries(value)) {
      collect(field, place === '' ? key : `${place}.${key}`, places);
    }
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'list' : typeof value;
}

/** How a value differs from another one in what it is made of: the outermost places, and what stands there now. */
export interface ShapeChange {
  /** Dotted; empty for all of it. */
  readonly place: string;
  /** Undefined where nothing stands any more. */
  readonly shape: string | undefined;
}

export function shapeChanges(from: unknown, to: unknown, place = ''): readonly ShapeChange[] {
  const [before, after] = [jsonShape(from), jsonShape(to)];
  if (before === after) return [];
  if (!isGroup(from) || !isGroup(to)) return [{ place, shape: after }];
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  const changes = keys.flatMap((key) => {
    const below = place === '' ? key : `${place}.${key}`;
    if (!Object.hasOwn(to, key)) return [{ place: below, shape: undefined }];
    if (!Object.hasOwn(from, key)) return [{ place: below, shape: jsonShape(to[key]) }];
    return shapeChanges(from[key], to[key], below);
  });
  // The same fields in another order.
  return changes.length === 0 ? [{ place, shape: after }] : changes;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
