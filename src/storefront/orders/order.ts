import { z } from 'zod';

export const orderSchema = z.object({
  id: z.string(),
  customerId: z.string(),
  placedAt: z.string(),
  status: z.string(),
  currency: z.string(),
  lines: z.array(z.object({ sku: z.string(), quantity: z.int(), unitPriceCents: z.int() })),
  totalCents: z.int(),
});

export type Order = z.infer<typeof orderSchema>;
