import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { ConfigurationState } from './configuration-state.js';
import { GatewayHealth } from './gateway-health.js';
import { HealthController } from './health.controller.js';
import { ManagementHealthController } from './management-health.controller.js';
import { ShutdownState } from './shutdown-state.js';
import { terminus } from './terminus.js';
import { UpstreamHealth } from './upstream-health.js';

/** What health in full takes over from the application that serves the API. */
export interface SharedHealth {
  readonly health: UpstreamHealth;
  readonly shutdown: ShutdownState;
  readonly admission: AdmissionControl;
  readonly configuration: ConfigurationState;
}

/** Health in full, beside liveness and readiness, for the management application. */
@Module({})
export class HealthManagementModule {
  static sharing({ health, shutdown, admission, configuration }: SharedHealth): DynamicModule {
    return {
      module: HealthManagementModule,
      imports: [terminus],
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
