/**
 * The composite of the benchmarks as a gateway file. All policies are on; they are more patient than their defaults, so
 * that a busy machine makes it slow and not wrong.
 */
export const OVERVIEW_GATEWAY = `
server: { host: 127.0.0.1, port: 0, managementPort: 0, admission: { maxLoopDelayMs: 5s } }
defaults:
  attemptTimeoutMs: 9s
  deadlineMs: 10s
  circuitBreaker: { slowCallDurationMs: 8s }
  bulkhead: { maxQueueWaitMs: 5s }
upstreams:
  customers: { url: '\${CUSTOMERS_URL}', critical: true }
  orders: { url: '\${ORDERS_URL}' }
  offers: { url: '\${OFFERS_URL}' }
composites:
  overview:
    get: /customers/{id}/overview
    deadline: 10s
    params: { id: { pattern: '^c-\\d{1,9}$' } }
    parts:
      customer:
        upstream: customers
        get: /customers/{id}
        required: true
        schema:
          type: object
          required: [id, name, email, tier, city, country, memberSince, addresses, newsletter]
          properties:
            id: { type: string, pattern: '^c-\\d{1,9}$' }
            name: { type: string }
            email: { type: string }
            tier: { enum: [bronze, silver, gold, platinum] }
            city: { type: string }
            country: { type: string }
            memberSince: { type: string }
            addresses:
              type: array
              items:
                type: object
                required: [kind, street, postcode, city]
                properties:
                  kind: { type: string }
                  street: { type: string }
                  postcode: { type: string }
                  city: { type: string }
            newsletter: { type: boolean }
      orders:
        upstream: orders
        get: /orders{?customerId}
        values: { customerId: params.id }
        fallback: []
        schema:
          type: array
          items:
            type: object
            required: [id, placedAt, status, currency, lines, totalCents]
            properties:
              id: { type: string }
              placedAt: { type: string }
              status: { type: string }
              currency: { type: string }
              lines:
                type: array
                items:
                  type: object
                  required: [sku, quantity, unitPriceCents]
                  properties:
                    sku: { type: string }
                    quantity: { type: integer }
                    unitPriceCents: { type: integer }
              totalCents: { type: integer }
      offers:
        upstream: offers
        get: /offers{?customerId}
        values: { customerId: params.id }
        fallback: []
        schema:
          type: array
          items:
            type: object
            required: [id, title, discountPercent, skus, validUntil]
            properties:
              id: { type: string }
              title: { type: string }
              discountPercent: { type: number }
              skus: { type: array, items: { type: string } }
              validUntil: { type: string }
`;
