import { defer, map, type Observable } from 'rxjs';
import { joinEach } from '../aggregation/join-each.js';
import { type JoinedItems } from '../aggregation/joined-items.js';
import { invalidAnswer } from '../upstream/json-call.js';
import { type Upstream } from '../upstream/upstream.js';
import { EvaluationError, type Scope } from './expression.js';
import { kindOf } from './expression-values.js';
import { isJsonObject } from './json-object.js';
import { callPart } from './part-call.js';
import { type PlannedJoin, type PlannedPart } from './plan.js';

/**
 * The items of a join in a scope, as they stand there; none where there is null.
 *
 * @throws EvaluationError also if there is anything but a list.
 */
export function itemsIn({ items }: PlannedJoin, scope: Scope): readonly unknown[] {
  const found = items.evaluate(scope);
  if (found === null) return [];
  if (!Array.isArray(found)) throw new EvaluationError(`expected a list and got ${kindOf(found)}`);
  return found as readonly unknown[];
}

/** @throws EvaluationError */
export function keyOf({ key }: PlannedJoin, item: unknown): unknown {
  return key === undefined ? item : key.evaluate(item);
}

/**
 * Asks a part's upstream for what belongs to the items of its `forEach`. Emits the part's value once: a list of values,
 * or an object of them by key, which is what those that are stitched are for other parts as well.
 */
export function callJoin(
  part: PlannedPart,
  join: PlannedJoin,
  upstream: Upstream,
  scope: Scope,
): Observable<unknown> {
  const { batch, concurrency, maxItems, missing, collect } = join.config;
  const key = readable(upstream, 'key', (item: unknown) => keyOf(join, item));
  const common = { key, concurrency, maxItems, missing };
  const calls =
    batch === undefined
      ? { call: (key: unknown, item: unknown) => callPart(part, upstream, { ...scope, key, item }) }
      : {
          batch: {
            size: batch.size,
            // What it answers is looked at where it arrives.
            call: (keys: unknown) =>
              callPart(part, upstream, { ...scope, keys }) as Observable<readonly unknown[]>,
            key: readable(upstream, 'batch.key', (element: unknown) => join.batchKey?.evaluate(element)),
          },
        };
  const items = readable(upstream, 'items', () =>
    (collect.form === 'stitch' ? objectsIn : itemsIn)(join, scope),
  );
  return defer(() => joinEach(items(undefined), { ...common, ...calls })).pipe(
    map(collect.form === 'list' ? listOf : mapOf),
  );
}

/** @throws EvaluationError also if anything else is among the items: it can have no field. */
function objectsIn(join: PlannedJoin, scope: Scope): readonly unknown[] {
  const items = itemsIn(join, scope);
  const other = items.find((item) => item !== null && !isJsonObject(item));
  if (other === undefined) return items;
  throw new EvaluationError(`expected objects, to stitch values into, and got ${kindOf(other)}`);
}

/** What an expression of the join cannot take makes the part, or the batch, invalid. */
function readable<A, R>(upstream: Upstream, place: string, read: (argument: A) => R): (argument: A) => R {
  return (argument) => {
    try {
      return read(argument);
    } catch (cause) {
      const detail = cause instanceof EvaluationError ? `forEach.${place}: ${cause.message}` : undefined;
      throw invalidAnswer(upstream, detail, cause);
    }
  };
}

function listOf(joined: JoinedItems<unknown, unknown>): unknown {
  return joined.toList();
}

function mapOf(joined: JoinedItems<unknown, unknown>): unknown {
  return joined.toMap();
}
