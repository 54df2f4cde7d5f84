import { CUSTOMER_COUNT, customerName } from './customers.js';
import { PRODUCT_COUNT } from './products.js';
import { oneTo, seeded } from './random.js';

/** A review as the reviews service tells it. */
export interface Review {
  /** `r-1` to `r-3000`, the oldest first. */
  readonly id: string;
  readonly sku: string;
  /** 1 to 5. */
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  /** A first name and an initial, `Zoë M.` */
  readonly author: string;
  readonly createdAt: string;
}

/** What the reviews of one product come to. */
export interface ReviewSummary {
  readonly sku: string;
  readonly count: number;
  /** To two decimals; null where there is no review. */
  readonly average: number | null;
}

/** How many reviews there are. */
export const REVIEW_COUNT = 3_000;

const MINUTE_MS = 60_000;
const FIRST_REVIEW_AT = Date.UTC(2024, 1, 1);
const MINUTES_BETWEEN = 420;

/** Titles and sentences by rating, from 1 to 5. */
const WORDS = [
  {
    titles: ['Broke in a week', 'Not as pictured', 'Sent it back', 'Avoid'],
    sentences: [
      'It came apart on the third day.',
      'The colour is nothing like the photo.',
      'Support never answered.',
      'I want my money back.',
    ],
  },
  {
    titles: ['Expected more', 'Disappointing', 'Only just'],
    sentences: [
      'The finish is rough at the edges.',
      'It does the job, barely.',
      'Smaller than I thought.',
      'Delivery took three weeks.',
    ],
  },
  {
    titles: ['It is all right', 'Decent', 'Good, with a but'],
    sentences: [
      'Fine for the price.',
      'Neither good nor bad.',
      'I would wait for a sale.',
      'The instructions were missing a page.',
    ],
  },
  {
    titles: ['Good value', 'Happy with it', 'Nearly perfect', 'Solid'],
    sentences: [
      'We use it every day.',
      'Well made and easy to clean.',
      'One star less for the packaging.',
      'Looks better than in the picture.',
    ],
  },
  {
    titles: ['Love it', 'Perfect', 'Bought a second one', 'Best we have had', 'Très bien'],
    sentences: [
      'I would buy it again tomorrow.',
      'A present that was a real success.',
      'The quality surprised me.',
      'Arrived a day early, too.',
    ],
  },
] as const;

/** Buyers who write are mostly pleased, and some are furious. */
function ratingOf(draw: number): number {
  if (draw < 0.06) return 1;
  if (draw < 0.13) return 2;
  if (draw < 0.26) return 3;
  return draw < 0.58 ? 4 : 5;
}

function review(number: number): Review {
  const random = seeded(`review:${number}`);
  const product = random.leaningLow(PRODUCT_COUNT);
  const rating = ratingOf(random.float());
  const { titles, sentences } = WORDS[rating - 1] ?? WORDS[4];
  const { first, last } = customerName(random.integer(1, CUSTOMER_COUNT));
  const body = new Set(oneTo(random.integer(1, 3)).map(() => random.pick<string>(sentences)));
  const minute = (number - 1) * MINUTES_BETWEEN + random.integer(0, MINUTES_BETWEEN - 1);
  return {
    id: `r-${number}`,
    sku: `p-${product}`,
    rating,
    title: random.pick<string>(titles),
    body: [...body].join(' '),
    author: `${first} ${last.charAt(0)}.`,
    createdAt: new Date(FIRST_REVIEW_AT + minute * MINUTE_MS).toISOString(),
  };
}

/** All reviews, the oldest first. */
export function buildReviews(): Review[] {
  return oneTo(REVIEW_COUNT).map(review);
}

/** Counts and averages the reviews of one product. */
export function summarise(sku: string, reviews: readonly Review[]): ReviewSummary {
  const sum = reviews.reduce((total, { rating }) => total + rating, 0);
  const average = reviews.length === 0 ? null : Math.round((sum / reviews.length) * 100) / 100;
  return { sku, count: reviews.length, average };
}
