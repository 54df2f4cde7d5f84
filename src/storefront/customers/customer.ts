import { z } from 'zod';

export const customerId = z.string().regex(/^c-\d{1,9}$/, 'must look like c-42');

export const customerSchema = z.object({
  id: customerId,
  name: z.string(),
  email: z.string(),
  tier: z.enum(['bronze', 'silver', 'gold', 'platinum']),
  city: z.string(),
  country: z.string(),
  memberSince: z.string(),
});

export type Customer = z.infer<typeof customerSchema>;
