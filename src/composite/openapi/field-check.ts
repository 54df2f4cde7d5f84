import { type ConfigurationReport } from '../../upstream/config/configuration-report.js';
import { type Path } from '../../upstream/config/configuration-source.js';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { type CompositeConfig, type PartConfig } from '../config/composite-config.js';
import { Expression, type ScopePath } from '../expression.js';
import { type CompositeShape } from './composite-shape.js';
import { isGroup, type Schema } from './schema-reader.js';
import { unknownFields } from './unknown-fields.js';

/** Reports expressions that look for fields which answers cannot have, because their schemas name all they have. */
export class FieldCheck {
  private readonly parts: ReadonlyMap<string, PartConfig>;

  constructor(
    composite: CompositeConfig,
    private readonly shape: CompositeShape,
    private readonly report: ConfigurationReport,
  ) {
    this.parts = new Map(composite.parts.map((part) => [part.name, part]));
  }

  check(part: PartConfig): void {
    const { at, select, forEach, when, values, headers, body, idempotencyKey } = part;
    this.checkMade(values, [...at, 'values']);
    this.checkMade(headers, [...at, 'headers']);
    this.checkMade(body, [...at, 'body']);
    this.checkMade(idempotencyKey, [...at, 'idempotencyKey']);
    this.checkMade(when, [...at, 'when']);
    const { source } = this.report;
    const isShort = source.written([...at, 'forEach', 'items']) === 'nothing';
    if (forEach !== undefined)
      this.checkMade(forEach.items, isShort ? [...at, 'forEach'] : [...at, 'forEach', 'items']);
    if (select !== undefined) this.checkSelect(part, select, [...at, 'select']);
    for (const { at, of, name, expected, isCertain } of unknownFields(part, this.shape)) {
      if (isCertain) this.report.add(at, of, `found ${name}; expected ${expected}`);
    }
  }

  private checkMade(written: unknown, at: Path): void {
    if (typeof written === 'string') {
      for (const [root = '', ...path] of pathsOf(written)) {
        const part = this.parts.get(root);
        if (part !== undefined) this.follow(this.shape.value(part), path, at, `the answer of ${root}`);
      }
    } else if (Array.isArray(written)) {
      for (const [index, value] of written.entries()) this.checkMade(value, [...at, index]);
    } else if (isGroup(written)) {
      for (const [name, value] of Object.entries(written)) this.checkMade(value, [...at, name]);
    }
  }

  private checkSelect(part: PartConfig, select: string, at: Path): void {
    // An answer may be a list, a scope is none: it is looked at as something in one.
    for (const [root, ...path] of pathsOf(`answer | (${select})`)) {
      if (root === 'answer') this.follow(this.shape.answer(part), path, at, 'the answer');
    }
  }

  private follow(schema: Schema, path: ScopePath, at: Path, what: string): void {
    const { shape } = this.shape;
    let here = schema;
    for (const [depth, name] of path.entries()) {
      if (name === '*') {
        here = shape.elements(here) ?? {};
        continue;
      }
      const names = shape.namesWithout(here, name);
      if (names !== undefined) {
        const above = path.slice(0, depth).filter((key) => key !== '*');
        const whole = depth === 0 ? what : `an element of ${what}`;
        const holder = above.length === 0 ? whole : `${above.join('.')} in ${what}`;
        const nearest = nearestName(name, names);
        const hint = nearest === undefined ? `there are ${names.join(', ')}` : `did you mean ${nearest}?`;
        this.report.add(at, 'value', `found ${name}; expected a field of ${holder}; ${hint}`);
        return;
      }
      here = shape.present(shape.field(here, name));
    }
  }
}

/** Those that hold for certain; none for what is no expression. */
function pathsOf(text: string): readonly ScopePath[] {
  try {
    return new Expression(text).paths;
  } catch {
    return [];
  }
}
