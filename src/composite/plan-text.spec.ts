import { parseGateway } from './config/gateway.js';
import { forecastOf } from './forecast.js';
import { planJson } from './plan-json.js';
import { planMermaid } from './plan-mermaid.js';
import { planText } from './plan-text.js';

const FILE = `
upstreams:
  customers: { url: http://localhost:1 }
  catalog: { url: http://localhost:2, retry: { maxAttempts: 1 } }
composites:
  overview:
    get: /customers/{id}/overview
    summary: A customer and what they bought
    params: { limit: { type: integer, default: 20 } }
    partialStatus: 206
    parts:
      customer: { upstream: customers, get: '/customers/{id}', required: true }
      end: { upstream: customers, get: '/orders{?limit}', fallback: [], within: 2s }
      products:
        upstream: catalog
        get: /products{?skus}
        forEach: { items: 'end[].sku', batch: { size: 50, key: sku } }
        values: { skus: keys }
        when: customer.tier == 'gold'
`;

const { composites, config } = parseGateway(FILE, { env: {} });
const [plan] = composites;
if (plan === undefined) throw new Error('the composite has no plan');
const forecast = forecastOf(plan, config);

describe('a plan', () => {
  it('reads well in a terminal', () => {
    expect(planText(plan, forecast, 80)).toMatchInlineSnapshot(`
      "overview: GET /customers/{id}/overview
      A customer and what they bought

        params    id (path), limit (query, default 20)
        deadline  3 s
        status    200, 206 where a part fell back

        part      waits for  if it fails  asks
        ────────  ─────────  ───────────  ────────────────────────────────────────────
        customer  ·          all fails    customers GET /customers/{id}
        end       ·          []           customers GET /orders{?limit}
                                          within 2 s
        products  customer   null         catalog GET /products{?skus}
                  end                     when customer.tier == 'gold'
                                          for each of end[].sku: 50 a call, 8 at once,
                                            at most 200

        at worst  calls   time  0           1           2           3 s
        ────────  ─────  ─────  ────────────────────────────────────────
        customer      2  2.2 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━
        end           2    2 s  ━━━━━━━━━━━━━━━━━━━━━━━━
        products      4  1.1 s                            ━━━━━━━━━━━━━━
        deadline           3 s                                      ▲

        3.3 s of 3 s  customer → products

      A request makes at most 8 calls: customers 4, catalog 4 (6 without a retry or
      hedge; over time the retry budget of each upstream lets through far fewer).

      · customer → products may take 3.3 s with retries, and the deadline is 3 s: the
        last retries will be cut
      "
    `);
  });

  it('fits the width it is given', () => {
    for (const width of [60, 80, 100]) {
      const lines = planText(plan, forecast, width).split('\n');
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }
  });

  it('is a flowchart', () => {
    expect(planMermaid(plan)).toMatchInlineSnapshot(`
      "flowchart LR
        request(["GET /customers/{id}/overview"])
        part-customer["<b>customer</b><br/>customers GET /customers/{id}"]
        part-end["<b>end</b><br/>customers GET /orders{?limit}<br/>within 2 s"]
        part-products[["<b>products</b><br/>catalog GET /products{?skus}<br/>for each of end[].sku"]]
        response(["response"])
        request --> part-customer
        request --> part-end
        part-customer -. "when customer.tier == 'gold'" .-> part-products
        part-end -. "when customer.tier == 'gold'" .-> part-products
        part-products --> response
        classDef required stroke-width:3px
        class part-customer required
      "
    `);
  });

  it('is JSON for programs', () => {
    expect(JSON.parse(JSON.stringify(planJson(plan, forecast)))).toMatchObject({
      name: 'overview',
      method: 'GET',
      route: '/customers/{id}/overview',
      deadlineMs: 3_000,
      partialStatus: 206,
      params: [
        { name: 'id', in: 'path', required: true },
        { name: 'limit', in: 'query' },
      ],
      parts: [
        { name: 'customer', upstream: 'customers', needs: [], required: true },
        { name: 'end', needs: [], fallback: [], withinMs: 2_000 },
        { name: 'products', needs: ['customer', 'end'], when: `customer.tier == 'gold'` },
      ],
      worstCase: { calls: 6, attempts: 8, criticalPath: ['customer', 'products'] },
    });
  });
});
