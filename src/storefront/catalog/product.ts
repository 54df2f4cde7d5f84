import { z } from 'zod';

export const sku = z.string().regex(/^p-\d{1,9}$/, 'must look like p-42');

export const productSchema = z.object({
  sku,
  name: z.string(),
  category: z.string(),
  description: z.string(),
  priceCents: z.int(),
  currency: z.string(),
  tags: z.array(z.string()),
});

export type Product = z.infer<typeof productSchema>;
