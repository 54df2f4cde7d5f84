import { join } from 'node:path';
import { bundleConsolePage, MOST_GZIPPED_BYTES } from './page-bundle.js';

// A step of `npm run build`: tsc leaves the page alone, since it runs in browsers.
const root = join(import.meta.dirname, '../..');
const weights = await bundleConsolePage(join(root, 'src/console/page'), join(root, 'dist/src/console/page'));
const total = [...weights.values()].reduce((sum, bytes) => sum + bytes, 0);
if (total > MOST_GZIPPED_BYTES)
  throw new Error(`The console's page weighs ${total} bytes gzipped; it may weigh ${MOST_GZIPPED_BYTES}.`);
