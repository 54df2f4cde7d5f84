import { z } from 'zod';

export const offerSchema = z.object({
  id: z.string(),
  title: z.string(),
  discountPercent: z.number(),
  tiers: z.array(z.string()),
  skus: z.array(z.string()),
  validUntil: z.string(),
});

export type Offer = z.infer<typeof offerSchema>;
