import { Observable, of } from 'rxjs';
import { aggregate, type Reported, thenAlso, withReport } from './aggregate.js';
import { optional, required, skipped } from './part.js';

interface Customer {
  readonly tier: string;
}
interface Order {
  readonly id: number;
}

const customer: Observable<Customer> = of({ tier: 'gold' });
const orders: Observable<Order[]> = of([{ id: 1 }]);

interface Holds<T> {
  readonly invariantly: (value: T) => T;
}
/** The same type, not merely an assignable one. */
type Same<A, B> = [Holds<Flat<A>>] extends [Holds<Flat<B>>]
  ? [Holds<Flat<B>>] extends [Holds<Flat<A>>]
    ? []
    : ['another type']
  : ['another type'];
type Flat<T> = { [K in keyof T]: T[K] };

/** `emits<T>().in(composite)` compiles only if the composite emits exactly T. */
function emits<Expected>() {
  return {
    in<Actual>(composite: Observable<Actual>, ..._: Same<Actual, Expected>): void {
      expect(composite).toBeInstanceOf(Observable);
    },
  };
}

// The facts below are the compiler's; running them shows that the builders take what they claim to take.
describe('the type of a composite', () => {
  it('gives a required part what its source emits', () => {
    const composite = aggregate({ customer: required(customer) });
    emits<{ readonly customer: Customer }>().in(composite);
    // @ts-expect-error: which also shows that the facts of this file can fail
    emits<{ readonly customer: Customer | null }>().in(composite);
    // @ts-expect-error: in either direction
    emits<{ readonly customer: { readonly tier: 'gold' } }>().in(composite);
  });

  it('gives an optional part null beside it', () => {
    const composite = aggregate({ customer: optional(customer), late: optional(customer, { within: 10 }) });
    emits<{ readonly customer: Customer | null; readonly late: Customer | null }>().in(composite);
  });

  it('gives an optional part with a fallback of its own type nothing beside it', () => {
    const composite = aggregate({ orders: optional(orders, { fallback: [] }) });
    emits<{ readonly orders: Order[] }>().in(composite);
    const declared: Observable<{ readonly orders: readonly Order[] }> = composite;
    expect(declared).toBe(composite);
  });

  it('gives an optional part with another fallback the type of either', () => {
    interface Expected {
      readonly text: Order[] | 'none';
      readonly nothing: Order[] | null;
      // Not the wider of the two alone: there may be a customer.
      readonly part: Customer | Partial<Customer>;
    }
    const composite = aggregate({
      text: optional(orders, { fallback: 'none' as const }),
      nothing: optional(orders, { fallback: null }),
      part: optional(customer, { fallback: {} }),
    });
    emits<Expected>().in(composite);
  });

  it('gives a skipped part its value', () => {
    const composite = aggregate({ a: skipped(), b: skipped(7) });
    emits<{ readonly a: null; readonly b: number }>().in(composite);
  });

  it('gives a part that is skipped or called the type of both', () => {
    const some = orders as Observable<Order[]> | undefined;
    const composite = aggregate({
      orders: some === undefined ? skipped([]) : optional(some, { fallback: [] }),
    });
    const declared: Observable<{ readonly orders: Order[] }> = composite;
    expect(declared).toBe(composite);
  });

  it('has null where a source or a fallback is undefined, as the JSON will', () => {
    const composite = aggregate({
      maybe: required(of<string | undefined>('x')),
      never: optional(orders, { fallback: undefined }),
    });
    emits<{ readonly maybe: string | null; readonly never: Order[] | null }>().in(composite);
  });

  it('has the parts of thenAlso behind those before', () => {
    interface Expected {
      readonly customer: Customer;
      readonly orders: Order[] | null;
      readonly offers: string[];
      readonly count: number;
      readonly last: string;
    }
    const composite = aggregate({ customer: required(customer), orders: optional(orders) }).pipe(
      thenAlso(['customer'], (values) => {
        const keys: keyof typeof values = 'customer';
        return { offers: optional(of([keys, values.customer.tier]), { fallback: [] }) };
      }),
      thenAlso((values) => {
        const count: number =
          values.offers.length + (values.orders?.length ?? 0) + values.customer.tier.length;
        return { count: required(of(count)) };
      }),
      thenAlso(['count', 'offers'], ({ count, offers }) => ({
        last: required(of(`${count} ${offers.join()}`)),
      })),
    );
    emits<Expected>().in(composite);
  });

  it('refuses a need that no earlier part has', () => {
    const composite = aggregate({ customer: required(customer) });
    // @ts-expect-error: there is no part of that name
    const misspelt = composite.pipe(thenAlso(['costumer'], () => ({ a: skipped() })));
    // @ts-expect-error: what is not named in the needs is not handed over
    const unnamed = composite.pipe(thenAlso([], ({ customer: value }) => ({ a: skipped(value) })));
    expect([misspelt, unnamed]).toHaveLength(2);
  });

  it('refuses what is not a part', () => {
    // @ts-expect-error: is it required or optional?
    expect(aggregate({ customer })).toBeDefined();
    // @ts-expect-error: a promise has already been asked, and cannot be cancelled
    expect(required(Promise.resolve(1))).toBeDefined();
  });

  it('has the report beside the value', () => {
    const reported = aggregate({ customer: required(customer) }).pipe(withReport());
    emits<Reported<{ readonly customer: Customer }>>().in(reported);
  });
});
