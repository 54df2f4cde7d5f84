import { z } from 'zod';

export const reviewSchema = z.object({
  id: z.string(),
  sku: z.string(),
  rating: z.int(),
  title: z.string(),
  body: z.string(),
  author: z.string(),
  createdAt: z.string(),
});

export type Review = z.infer<typeof reviewSchema>;
