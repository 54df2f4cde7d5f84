import { type Tier } from './customers.js';
import { PRODUCT_COUNT } from './products.js';
import { oneTo, seeded } from './random.js';

/** An offer as the offers service tells it. */
export interface Offer {
  /** `of-1` to `of-40`. */
  readonly id: string;
  readonly title: string;
  /** 5 to 50, in steps of 5. */
  readonly discountPercent: number;
  /** The tiers it is made to; at least one. */
  readonly tiers: readonly Tier[];
  /** The products it is about; at least one. */
  readonly skus: readonly string[];
  readonly validUntil: string;
}

/** How many offers there are. */
export const OFFER_COUNT = 40;

const AUDIENCES: readonly (readonly Tier[])[] = [
  ['bronze', 'silver', 'gold', 'platinum'],
  ['silver', 'gold', 'platinum'],
  ['gold', 'platinum'],
  ['platinum'],
  ['bronze', 'silver'],
];

const OCCASIONS = [
  'Spring',
  'Summer',
  'Harvest',
  'Winter',
  'Weekend',
  'Anniversary',
  'Early bird',
  'Last chance',
] as const;
const PROMISES = ['savings', 'favourites', 'clearance', 'thank-you', 'specials'] as const;

function offer(number: number): Offer {
  const random = seeded(`offer:${number}`);
  const skus = new Set(oneTo(random.integer(8, 24)).map(() => `p-${random.integer(1, PRODUCT_COUNT)}`));
  return {
    id: `of-${number}`,
    title: `${random.pick(OCCASIONS)} ${random.pick(PROMISES)}`,
    discountPercent: 5 * random.integer(1, 10),
    tiers: random.pick(AUDIENCES),
    skus: [...skus],
    validUntil: new Date(Date.UTC(2028, 0, 1 + random.integer(0, 700))).toISOString(),
  };
}

/** All offers, by number. */
export function buildOffers(): Offer[] {
  return oneTo(OFFER_COUNT).map(offer);
}
