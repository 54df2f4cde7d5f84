import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { AdminToken } from '../telemetry/admin.guard.js';
import { CompositeDetailController } from './composite-detail.controller.js';
import { ConsoleEvents } from './console-events.js';
import { ConsoleEventsController } from './console-events.controller.js';
import { ConsoleHeaders } from './console-headers.js';
import { ConsolePage } from './console-page.js';
import { ConsolePageController } from './console-page.controller.js';
import { ConsoleSnapshot } from './console-snapshot.js';
import { GatewayTransitions } from './gateway-transitions.js';
import { ObservedComposites } from './observed-composites.js';
import { OperatorActions } from './operator-actions.js';
import { OperatorActionsController } from './operator-actions.controller.js';
import { TransitionFeed } from './transition-feed.js';
import { WatchedGateway } from './watched-gateway.js';

/** Where the build puts the page. */
const PAGE = join(import.meta.dirname, 'page');

/** The console, for the management application: the page, what it shows, and what operators do with it. */
@Module({})
export class ConsoleModule {
  /** @param page the folder of the page. Default: where the build puts it. */
  static sharing(gateway: WatchedGateway, page = PAGE): DynamicModule {
    return {
      module: ConsoleModule,
      controllers: [
        ConsolePageController,
        ConsoleEventsController,
        CompositeDetailController,
        OperatorActionsController,
      ],
      providers: [
        ConsoleEvents,
        ConsoleHeaders,
        ConsoleSnapshot,
        GatewayTransitions,
        ObservedComposites,
        OperatorActions,
        { provide: WatchedGateway, useValue: gateway },
        { provide: ConsolePage, useValue: new ConsolePage(page) },
        { provide: TransitionFeed, useValue: new TransitionFeed() },
        { provide: AdminToken, useValue: new AdminToken(gateway.registry.config.server.adminToken) },
      ],
    };
  }
}
