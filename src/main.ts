import 'reflect-metadata';
import { serve } from './serve.js';
import { StorefrontModule } from './storefront/storefront.module.js';

/** The reference gateway: the composites of the file, and those of the storefront's controllers. */
await serve({ file: process.env['GATEWAY_CONFIG'], features: [StorefrontModule] });
