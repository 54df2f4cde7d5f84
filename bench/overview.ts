/** The three parts of the composite, by the service that answers each. The same for every customer. */
export const PARTS = {
  customers: {
    id: 'c-42',
    name: 'Ada Example',
    email: 'ada.example@mail.example',
    tier: 'gold',
    city: 'Lisbon',
    country: 'PT',
    memberSince: '2019-03-14',
    addresses: [
      { kind: 'billing', street: 'Rua do Ouro 12', postcode: '1100-062', city: 'Lisbon' },
      { kind: 'delivery', street: 'Rua da Prata 7', postcode: '1100-414', city: 'Lisbon' },
    ],
    newsletter: true,
  },
  orders: [
    {
      id: 'o-1007',
      placedAt: '2026-05-06T07:08:00.000Z',
      status: 'shipped',
      currency: 'EUR',
      lines: [
        { sku: 'p-7', quantity: 2, unitPriceCents: 1299 },
        { sku: 'p-19', quantity: 1, unitPriceCents: 4900 },
      ],
      totalCents: 7498,
    },
    {
      id: 'o-981',
      placedAt: '2026-04-21T16:40:00.000Z',
      status: 'delivered',
      currency: 'EUR',
      lines: [
        { sku: 'p-3', quantity: 1, unitPriceCents: 2450 },
        { sku: 'p-77', quantity: 3, unitPriceCents: 320 },
      ],
      totalCents: 3410,
    },
  ],
  offers: [
    {
      id: 'f-12',
      title: 'Ten off garden tools',
      discountPercent: 10,
      skus: ['p-7', 'p-8'],
      validUntil: '2026-06-30',
    },
    {
      id: 'f-31',
      title: 'Summer reading',
      discountPercent: 15,
      skus: ['p-301', 'p-302'],
      validUntil: '2026-07-15',
    },
    { id: 'f-40', title: 'Two for one tea', discountPercent: 50, skus: ['p-77'], validUntil: '2026-05-31' },
  ],
} as const;

export type PartService = keyof typeof PARTS;

export const PART_SERVICES = Object.keys(PARTS) as readonly PartService[];

/** What every server answers, byte for byte: one required part, two optional ones. */
export const OVERVIEW = JSON.stringify({
  customer: PARTS.customers,
  orders: PARTS.orders,
  offers: PARTS.offers,
});

/** Where a server of the benchmark finds its upstreams. */
export type PartUrls = Readonly<Record<PartService, string>>;

/** The parent's side: how the upstreams' URLs reach a server. */
export function environmentFor(urls: PartUrls): Record<string, string> {
  return Object.fromEntries(PART_SERVICES.map((service) => [variableOf(service), urls[service]]));
}

/** The server's side: the upstreams' URLs. */
export function partUrls(): PartUrls {
  const urls = PART_SERVICES.map((service) => [service, process.env[variableOf(service)]] as const);
  return Object.fromEntries(
    urls.map(([service, url]) => [service, given(service, url)]),
  ) as unknown as PartUrls;
}

function given(service: PartService, url: string | undefined): string {
  if (url !== undefined) return url;
  throw new Error(`${variableOf(service)} must be the URL of ${service}`);
}

function variableOf(service: PartService): string {
  return `${service.toUpperCase()}_URL`;
}
