import { type ScopePath } from '../composite/expression.js';

/** Elements of a list that nobody says more of. */
const ELEMENTS = 2;

/** What a value must have in it, for all that looks at it to find something. */
export class ValueSketch {
  private readonly fields = new Map<string, ValueSketch>();
  private element: ValueSketch | undefined;
  private pinned: { readonly value: unknown } | undefined;

  /** Whether nothing looks into it. */
  get isBlank(): boolean {
    return this.fields.size === 0 && this.element === undefined;
  }

  get isList(): boolean {
    return this.element !== undefined;
  }

  /** What lies at a path below it, made if it is not there; `*` is any element. */
  at(path: ScopePath): ValueSketch {
    const [first, ...rest] = path;
    if (first === undefined) return this;
    if (first === '*') return (this.element ??= new ValueSketch()).at(rest);
    const field = this.fields.get(first) ?? new ValueSketch();
    this.fields.set(first, field);
    return field.at(rest);
  }

  /** Says what the value is; undefined takes it back. */
  pin(pinned: { readonly value: unknown } | undefined): void {
    this.pinned = pinned;
  }

  /**
   * A value that has all of it; and of `known`, which is right as far as it goes, what is there already.
   *
   * @param name what text says, where there is nothing below.
   * @param index of the element it is for, from 1; 0 for none.
   */
  filled(known: unknown, name: string, index = 0): unknown {
    const { element, fields, pinned } = this;
    if (pinned !== undefined) return pinned.value;
    if (element !== undefined && (known === undefined || Array.isArray(known))) {
      const elements: readonly unknown[] = known ?? Array.from({ length: ELEMENTS });
      return elements.map((one, place) => element.filled(one, name, place + 1));
    }
    if (fields.size > 0 && (known === undefined || isGroup(known))) {
      const added = [...fields].map(([key, field]) => [key, field.filled(known?.[key], key, index)] as const);
      return { ...known, ...Object.fromEntries(added) };
    }
    return known === undefined ? (index === 0 ? name : `${name}-${index}`) : known;
  }
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
