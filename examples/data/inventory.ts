import { PRODUCT_COUNT } from './products.js';
import { oneTo, seeded } from './random.js';

/** What one warehouse holds of a product. */
export interface WarehouseStock {
  readonly code: string;
  readonly quantity: number;
}

/** How much there is of a product, as the inventory tells it. */
export interface StockRecord {
  readonly sku: string;
  /** The sum over the warehouses. */
  readonly available: number;
  readonly warehouses: readonly WarehouseStock[];
  /** When more arrives; null where nothing is on its way. */
  readonly restockAt: string | null;
}

const WAREHOUSES = ['AMS-1', 'BCN-3', 'LEJ-2', 'LYS-1', 'WAW-1'] as const;

function stockRecord(number: number): StockRecord {
  const random = seeded(`stock:${number}`);
  const soldOut = random.chance(0.08);
  const first = random.integer(0, WAREHOUSES.length - 1);
  const warehouses = WAREHOUSES.slice(first, first + random.integer(1, 3)).map((code) => ({
    code,
    quantity: soldOut ? 0 : random.integer(1, 120),
  }));
  const available = warehouses.reduce((sum, { quantity }) => sum + quantity, 0);
  const restockDay = Date.UTC(2027, 0, 1 + random.integer(0, 90));
  return {
    sku: `p-${number}`,
    available,
    warehouses,
    restockAt: available < 20 ? new Date(restockDay).toISOString() : null,
  };
}

/** A record for every product of the catalog, by number. */
export function buildInventory(): StockRecord[] {
  return oneTo(PRODUCT_COUNT).map(stockRecord);
}
