import { type ConfigurationReport } from '../upstream/config/configuration-report.js';
import { type CompositeConfig, type PartConfig } from './config/composite-config.js';

const READING_VERBS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Whether a call of this part may change something. */
export function isWrite({ method, reads }: Pick<PartConfig, 'method' | 'reads'>): boolean {
  return !READING_VERBS.has(method) && !reads;
}

/** A part that waits, in turn, for what it refers to and for what must come before a write. */
interface Waiting {
  readonly config: PartConfig;
  readonly needs: readonly string[];
}

/** Parts, in declared order, that wait for the order of writes too. */
export function withWriteOrder<P extends Waiting>(
  parts: readonly P[],
): readonly (P & { readonly needsIfStrict: readonly string[] })[] {
  const ordered = parts.map(({ config, needs }) => ({
    name: config.name,
    write: isWrite(config),
    required: config.required,
    needs,
  }));
  const order = writeOrder(ordered, false);
  const strictOrder = writeOrder(ordered, true);
  return parts.map((part) => {
    const { config, needs } = part;
    const also = (more: readonly string[] = []): readonly string[] => [...new Set([...needs, ...more])];
    return {
      ...part,
      needs: also(order.get(config.name)),
      needsIfStrict: also(strictOrder.get(config.name)),
    };
  });
}

/** What the order of writes has to know of a part. */
export interface OrderedPart {
  readonly name: string;
  readonly write: boolean;
  readonly required: boolean;
  /** What it waits for anyway. */
  readonly needs: readonly string[];
}

/**
 * What parts wait for so that writes happen one after another: of two parts of which each is a write or required, and at
 * least one a write, the later waits for the earlier. So nothing is written before the required parts above it are there,
 * and no required part that fails cuts a write off. Later is what stands further down, unless a part needs one below it:
 * then it comes behind that one.
 *
 * Needs that follow from others are left out. Parts that need each other have no order; that is for others to report.
 *
 * @param parts in declared order.
 * @param strict whether every part counts as required.
 */
export function writeOrder(
  parts: readonly OrderedPart[],
  strict: boolean,
): ReadonlyMap<string, readonly string[]> {
  const order = new Map<string, readonly string[]>();
  if (!parts.some(({ write }) => write)) return order;
  let lastWrite: string | undefined;
  /** The required parts since then. */
  let sinceThen: string[] = [];
  for (const { name, write, required } of inTurn(parts)) {
    if (!write && !required && !strict) continue;
    if (write && sinceThen.length > 0) order.set(name, sinceThen);
    else if (lastWrite !== undefined) order.set(name, [lastWrite]);
    if (write) {
      lastWrite = name;
      sinceThen = [];
    } else sinceThen.push(name);
  }
  return order;
}

/** The parts in an order in which each has behind it what needs it, and which is otherwise that of the file. */
function inTurn(parts: readonly OrderedPart[]): readonly OrderedPart[] {
  const waiting = new Map(parts.map((part) => [part.name, part]));
  const taken: OrderedPart[] = [];
  const isReady = ({ needs }: OrderedPart): boolean => !needs.some((name) => waiting.has(name));
  for (let next = [...waiting.values()].find(isReady); next !== undefined;) {
    waiting.delete(next.name);
    taken.push(next);
    next = [...waiting.values()].find(isReady);
  }
  return taken;
}

/**
 * Reports writes where none may stand: in a GET, which caches, crawlers and HEAD repeat as they like, and in a join, which
 * asks once for what stands in the list twice, leaves what is too much, and answers what is missing.
 */
export function reportMisplacedWrites(
  { method: routeMethod, parts }: CompositeConfig,
  report: ConfigurationReport,
): void {
  for (const { at, method, reads, forEach } of parts) {
    const verb = method.toLowerCase();
    if (reads && method !== 'POST') {
      report.add(
        [...at, 'reads'],
        'key',
        `found it on a ${verb}; expected it on a post only, which may write`,
      );
    }
    if (!isWrite({ method, reads })) continue;
    const or = method === 'POST' ? ', or reads: true if this post changes nothing' : '';
    if (routeMethod === 'GET') {
      const expected = 'a composite of another verb';
      report.add(
        [...at, verb],
        'key',
        `found a write in a get, which must change nothing; expected ${expected}${or}`,
      );
    }
    if (forEach !== undefined) {
      const found = 'found it on a write, which happens once';
      report.add([...at, 'forEach'], 'key', `${found}; expected none${or}`);
    }
  }
}
