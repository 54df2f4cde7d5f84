import { z } from 'zod';

export const stockSchema = z.object({
  sku: z.string(),
  available: z.int(),
  warehouses: z.array(z.object({ code: z.string(), quantity: z.int() })),
  restockAt: z.string().nullable(),
});

export type Stock = z.infer<typeof stockSchema>;
