import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { AggregationModule } from '../aggregation/aggregation.module.js';
import { ConfigurationState } from './configuration-state.js';
import { GatewayHealth } from './gateway-health.js';
import { HealthController } from './health.controller.js';
import { ManagementHealthController } from './management-health.controller.js';
import { ShutdownState } from './shutdown-state.js';
import { terminus } from './terminus.js';
import { UpstreamHealth } from './upstream-health.js';

/** What the management application takes over from the one that serves the API. */
export interface SharedWithManagement {
  readonly health: UpstreamHealth;
  readonly shutdown: ShutdownState;
  readonly admission: AdmissionControl;
  readonly configuration: ConfigurationState;
}

/** The root of the management application: health in full, beside liveness and readiness. */
@Module({})
export class ManagementModule {
  static sharing({ health, shutdown, admission, configuration }: SharedWithManagement): DynamicModule {
    return {
      module: ManagementModule,
      imports: [terminus, AggregationModule],
      controllers: [HealthController, ManagementHealthController],
      providers: [
        GatewayHealth,
        { provide: UpstreamHealth, useValue: health },
        { provide: ShutdownState, useValue: shutdown },
        { provide: AdmissionControl, useValue: admission },
        { provide: ConfigurationState, useValue: configuration },
      ],
    };
  }
}
