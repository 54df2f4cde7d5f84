import { type Path } from '../../upstream/config/configuration-source.js';
import { nearestName } from '../../upstream/config/nearest-name.js';
import { type PartConfig } from '../config/composite-config.js';
import { Expression } from '../expression.js';
import { type CompositeShape } from './composite-shape.js';
import { isGroup, type Schema } from './schema-reader.js';
import { isObject, propertiesOf } from './schema-shape.js';
import { isAnything } from './schema-union.js';

/** A field that a part names where the schemas do not have it. */
export interface UnknownField {
  readonly at: Path;
  /** Whether it stands there as a key. */
  readonly of: 'key' | 'value';
  readonly name: string;
  /** What is expected in its place. */
  readonly expected: string;
  /** Whether there can be no such field: the schema lets no others than its own through. */
  readonly isCertain: boolean;
}

/** The fields that `pick`, `omit`, `rename` and the key of a batch name, and that no schema of the answer does. */
export function unknownFields(part: PartConfig, shape: CompositeShape): readonly UnknownField[] {
  const { at, pick = [], omit, rename, forEach } = part;
  const uncut = shape.uncut(part);
  const follow = (path: string, at: Path, of: UnknownField['of']): readonly UnknownField[] =>
    unknownOn(path.split('.'), uncut, shape, at, of);
  return [
    ...pick.flatMap((path, index) => follow(path, [...at, 'pick', index], 'value')),
    ...omit.flatMap((path, index) => follow(path, [...at, 'omit', index], 'value')),
    ...Object.keys(rename).flatMap((path) => follow(path, [...at, 'rename', path], 'key')),
    ...(forEach?.batch === undefined ? [] : unknownInKey(part, forEach.batch.key, shape)),
  ];
}

function unknownInKey(part: PartConfig, key: string, shape: CompositeShape): readonly UnknownField[] {
  const element = shape.shape.elements(shape.selected(part));
  if (element === undefined) return [];
  const at = [...part.at, 'forEach', 'batch', 'key'];
  return pathsOf(key).flatMap((path) => unknownOn(path, element, shape, at, 'value'));
}

/** Lists are gone through by themselves. */
function unknownOn(
  path: readonly string[],
  schema: Schema,
  { shape }: CompositeShape,
  at: Path,
  of: UnknownField['of'],
): readonly UnknownField[] {
  let here = shape.present(schema);
  for (const name of path.filter((name) => name !== '*')) {
    while (shape.isList(here)) here = shape.present(shape.elements(here) ?? {});
    const closed = shape.namesWithout(here, name);
    const names = closed ?? listedWithout(shape.variants(here), name);
    if (names !== undefined) {
      const nearest = nearestName(name, names);
      const hint = nearest === undefined ? `there are ${names.join(', ')}` : `did you mean ${nearest}?`;
      return [{ at, of, name, expected: `a field of the answer; ${hint}`, isCertain: closed !== undefined }];
    }
    here = shape.present(shape.field(here, name));
  }
  return [];
}

/** The names that are written of objects which may have others as well, if this one is not among them. */
function listedWithout(variants: readonly Schema[], name: string): readonly string[] | undefined {
  const isListed = (variant: Schema): boolean =>
    !isAnything(variant) &&
    isObject(variant) &&
    !isGroup(variant['additionalProperties']) &&
    variant['patternProperties'] === undefined &&
    Object.keys(propertiesOf(variant)).length > 0;
  if (variants.length === 0 || !variants.every(isListed)) return undefined;
  const names = variants.flatMap((variant) => Object.keys(propertiesOf(variant)));
  return names.includes(name) ? undefined : [...new Set(names)];
}

function pathsOf(text: string): Expression['paths'] {
  try {
    return new Expression(`element | (${text})`).paths
      .filter(([root]) => root === 'element')
      .map(([, ...path]) => path);
  } catch {
    return [];
  }
}
