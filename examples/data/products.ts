import { oneTo, seeded } from './random.js';

/** A product as the catalog tells it. */
export interface Product {
  /** `p-1` to `p-500`. */
  readonly sku: string;
  readonly name: string;
  /** One of `CATEGORIES`. */
  readonly category: string;
  readonly description: string;
  readonly priceCents: number;
  readonly currency: 'EUR';
  readonly tags: readonly string[];
}

/** How many products there are. */
export const PRODUCT_COUNT = 500;

/** Each category's nouns, with the price in cents around which its products lie. */
const NOUNS = {
  kitchen: {
    kettle: 5400,
    'frying pan': 4900,
    'chef’s knife': 7900,
    teapot: 3900,
    'mixing bowl': 2400,
    grater: 1600,
    'coffee grinder': 8900,
    saucepan: 5900,
    'cutting board': 3200,
    'salt mill': 2700,
  },
  office: {
    desk: 38900,
    chair: 24900,
    notebook: 900,
    'pen holder': 1400,
    'monitor stand': 5900,
    bookend: 1900,
    'paper tray': 2200,
    footrest: 4400,
    whiteboard: 6900,
    'filing box': 2600,
  },
  lighting: {
    'desk lamp': 6900,
    'floor lamp': 14900,
    pendant: 9900,
    lantern: 3400,
    sconce: 5900,
    'reading light': 2900,
    'string lights': 1900,
    spotlight: 4400,
    'night light': 1500,
    candlestick: 2300,
  },
  garden: {
    trowel: 1700,
    planter: 3600,
    'watering can': 2900,
    hose: 4200,
    rake: 2800,
    bench: 18900,
    'bird house': 2400,
    'seed tray': 1200,
    shears: 3900,
    trellis: 3300,
  },
  outdoor: {
    tent: 22900,
    backpack: 11900,
    bottle: 2400,
    hammock: 6900,
    'sleeping bag': 13900,
    stove: 7400,
    headlamp: 3900,
    compass: 2900,
    'dry bag': 2600,
    'picnic rug': 4900,
  },
  audio: {
    headphones: 17900,
    speaker: 12900,
    turntable: 32900,
    microphone: 9900,
    'record shelf': 8900,
    radio: 7900,
    amplifier: 27900,
    earphones: 5900,
    soundbar: 21900,
    metronome: 3400,
  },
  textiles: {
    blanket: 6900,
    cushion: 2900,
    towel: 1900,
    'bath mat': 2600,
    curtain: 5900,
    'duvet cover': 8900,
    tablecloth: 4400,
    apron: 3200,
    rug: 15900,
    'tea towel': 1100,
  },
  toys: {
    puzzle: 1900,
    'building set': 4900,
    kite: 2700,
    'spinning top': 900,
    'train set': 7900,
    'board game': 3900,
    rattle: 1300,
    yoyo: 1100,
    'doll’s house': 11900,
    marbles: 800,
  },
  sport: {
    'yoga mat': 3900,
    kettlebell: 4900,
    'skipping rope': 1600,
    racket: 8900,
    football: 2900,
    'foam roller': 2600,
    'swim goggles': 2200,
    'bike pump': 3400,
    dumbbell: 4200,
    'climbing chalk': 1200,
  },
  storage: {
    basket: 2900,
    shelf: 9900,
    'shoe rack': 5900,
    crate: 2200,
    'coat hook': 1400,
    chest: 13900,
    drawer: 4900,
    jar: 1200,
    hanger: 900,
    trunk: 11900,
  },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

/** The categories of the catalog. */
export const CATEGORIES: readonly string[] = Object.keys(NOUNS);

const KINDS = [
  ['Oak', 'solid oak, oiled by hand'],
  ['Linen', 'washed linen from Flanders'],
  ['Copper', 'copper that darkens with the years'],
  ['Folding', 'a frame that folds flat in a second'],
  ['Enamel', 'steel under two coats of enamel'],
  ['Travel', 'a light build that fits in a bag'],
  ['Nordic', 'pale birch and quiet colours'],
  ['Recycled', 'materials that had a life before'],
  ['Classic', 'the shape that has sold since 1964'],
  ['Compact', 'everything it needs in half the space'],
] as const;

const PROMISES = [
  'Repaired free of charge for five years.',
  'Ships in a box without plastic.',
  'Spare parts are kept in stock.',
  'Made in small batches.',
  'Tested by people who use it daily.',
  'Comes back? We take it within 60 days.',
] as const;

const TAGS = ['new', 'bestseller', 'sale', 'gift', 'eco', 'limited', 'handmade', 'refurbished'] as const;

interface Design {
  readonly category: string;
  readonly noun: string;
  readonly basePriceCents: number;
  readonly kind: (typeof KINDS)[number];
}

/** Category, noun and kind follow from the number alone, so that no two products share a name. */
function design(number: number): Design {
  const index = number - 1;
  const [category, nouns] = at(Object.entries<Readonly<Record<string, number>>>(NOUNS), index);
  const place = Math.floor(index / CATEGORIES.length);
  const [noun, basePriceCents] = at(Object.entries(nouns), place);
  return { category, noun, basePriceCents, kind: at(KINDS, place + 2 * Math.floor(place / 10)) };
}

function at<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

/** The price of product `p-{number}`, without building the product: what orders and offers need to know of it. */
export function priceCentsOf(number: number): number {
  const factor = 0.7 + 0.9 * seeded(`price:${number}`).float();
  return Math.round((design(number).basePriceCents * factor) / 10) * 10 + 9;
}

function product(number: number): Product {
  const random = seeded(`product:${number}`);
  const { category, noun, kind } = design(number);
  const [adjective, quality] = kind;
  const tags = new Set([adjective.toLowerCase(), random.pick(TAGS), random.pick(TAGS)]);
  return {
    sku: `p-${number}`,
    name: `${adjective} ${noun}`,
    category,
    description: `A ${noun} with character: ${quality}. ${random.pick(PROMISES)}`,
    priceCents: priceCentsOf(number),
    currency: 'EUR',
    tags: [...tags],
  };
}

/** All products, by number. */
export function buildProducts(): Product[] {
  return oneTo(PRODUCT_COUNT).map(product);
}
