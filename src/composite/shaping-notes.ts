import { type PartConfig } from './config/composite-config.js';
import { type ForecastNote } from './forecast-notes.js';
import { isJsonObject } from './json-object.js';
import { type CompositePlan } from './plan.js';
import { Shape } from './shape.js';

/**
 * What stands in for an answer is trimmed like one, since other parts may refer to it: a stand-in that was written with
 * the shape of the response in mind loses all its keys.
 */
export function shapingNotes({ config }: CompositePlan): readonly ForecastNote[] {
  return config.parts.flatMap((part) => {
    const shape = Shape.of(part);
    if (shape === undefined) return [];
    return standIns(part)
      .filter(([, value]) => isEmptied(value, shape))
      .map(([key]) => ({
        level: 'warning' as const,
        part: part.name,
        message: `${key} has no key that pick and omit leave, and shows as {}: they trim it like an answer`,
      }));
  });
}

function standIns({ fallback, forEach }: PartConfig): readonly (readonly [key: string, value: unknown])[] {
  if (forEach === undefined) return [['fallback', fallback]];
  const missing = ['forEach.missing', forEach.missing] as const;
  // That of a join by key has keys of its own around its values.
  return forEach.collect.form === 'map' ? [missing] : [['fallback', fallback], missing];
}

function isEmptied(value: unknown, shape: Shape): boolean {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return false;
  const shown = shape.apply(value);
  return isJsonObject(shown) && Object.keys(shown).length === 0;
}
