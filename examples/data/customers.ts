import { oneTo, seeded } from './random.js';

/** From the least to the most faithful. */
export const TIERS = ['bronze', 'silver', 'gold', 'platinum'] as const;

/** How faithful a customer is. */
export type Tier = (typeof TIERS)[number];

/** A customer as the customers service tells it. */
export interface Customer {
  /** `c-1` to `c-1000`. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly tier: Tier;
  readonly city: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** A day, `2021-03-14`. */
  readonly memberSince: string;
}

/** How many customers there are. */
export const CUSTOMER_COUNT = 1_000;

const FIRST_NAMES = (
  'Ada Alma Amir Anaïs Bram Carla Chloë Clara Dmitri Edgar Elif Emil Esther Fatima Femke Gaël Greta Hugo Ines Ivo ' +
  'Jonas José Jürgen Kaja Lena Linnéa Lucía Marek Márta Mateo Milan Nadia Noor Nuño Oskar Petra Priya Renée Rosa ' +
  'Samir Sofia Tariq Theo Ulla Vera Wout Yara Zoë'
).split(' ');

const LAST_NAMES = (
  'Almeida Andersen Baños Bakker Bauer Becker Bianchi Castro Conti Costa Dubois Eriksson Fernández Fischer Fontaine ' +
  'García Hansen Horváth Ivanov Jansen Keller Kovač Kowalski Laine Lambert Leroy Lindström Marino Martin Meyer Moreau ' +
  'Müller Nagy Nieminen Novák Okafor Pereira Petit Ricci Rossi Santos Schäfer Silva Svensson Szabó Tamm Vermeer Weber'
).split(' ');

const CITIES = [
  ['Amsterdam', 'NL'],
  ['Antwerp', 'BE'],
  ['Athens', 'GR'],
  ['Barcelona', 'ES'],
  ['Berlin', 'DE'],
  ['Bologna', 'IT'],
  ['Budapest', 'HU'],
  ['Cologne', 'DE'],
  ['Copenhagen', 'DK'],
  ['Dublin', 'IE'],
  ['Gothenburg', 'SE'],
  ['Helsinki', 'FI'],
  ['Kraków', 'PL'],
  ['Lisbon', 'PT'],
  ['Ljubljana', 'SI'],
  ['Lyon', 'FR'],
  ['Málaga', 'ES'],
  ['Milan', 'IT'],
  ['Paris', 'FR'],
  ['Porto', 'PT'],
  ['Prague', 'CZ'],
  ['Rotterdam', 'NL'],
  ['Tallinn', 'EE'],
  ['Vienna', 'AT'],
  ['Zürich', 'CH'],
] as const;

/** About 50, 30, 15 and 5 percent. */
function tierOf(draw: number): Tier {
  if (draw < 0.5) return 'bronze';
  if (draw < 0.8) return 'silver';
  return draw < 0.95 ? 'gold' : 'platinum';
}

function plainLetters(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();
}

/** The first and last name of customer `c-{number}`. */
export function customerName(number: number): { readonly first: string; readonly last: string } {
  const random = seeded(`customer-name:${number}`);
  return { first: random.pick(FIRST_NAMES), last: random.pick(LAST_NAMES) };
}

function customer(number: number): Customer {
  const random = seeded(`customer:${number}`);
  const { first, last } = customerName(number);
  const [city, country] = random.pick(CITIES);
  const joined = Date.UTC(2016, 0, 1 + random.integer(0, 8 * 365));
  return {
    id: `c-${number}`,
    name: `${first} ${last}`,
    email: `${plainLetters(first)}.${plainLetters(last)}.${number}@example.com`,
    tier: tierOf(random.float()),
    city,
    country,
    memberSince: new Date(joined).toISOString().slice(0, 10),
  };
}

/** All customers, by number. */
export function buildCustomers(): Customer[] {
  return oneTo(CUSTOMER_COUNT).map(customer);
}
