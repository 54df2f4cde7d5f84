import { z } from 'zod';

/** Schemas of values that are shown to nobody, whatever was written in their place. */
export const secrets = z.registry<{ readonly hidden: true }>();

/** Text that is a secret, or may hold one. */
export function secretText(expected: string, isValid: (text: string) => boolean): z.ZodString {
  const schema = z.string({ error: expected }).refine(isValid, { error: expected });
  secrets.add(schema, { hidden: true });
  return schema;
}
