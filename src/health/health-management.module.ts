import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { AffectedComposites } from './affected-composites.js';
import { ConfigurationState } from './configuration-state.js';
import { FullHealth } from './full-health.js';
import { GatewayHealth } from './gateway-health.js';
import { HealthController } from './health.controller.js';
import {
  GATEWAY_IDENTITY,
  type GatewayIdentity,
  ManagementHealthController,
} from './management-health.controller.js';
import { ShutdownState } from './shutdown-state.js';
import { terminus } from './terminus.js';
import { UpstreamHealth } from './upstream-health.js';

/** What health in full takes over from the application that serves the API. */
export interface SharedHealth {
  readonly health: UpstreamHealth;
  readonly shutdown: ShutdownState;
  readonly admission: AdmissionControl;
  readonly configuration: ConfigurationState;
  readonly composites: AffectedComposites;
  readonly identity: GatewayIdentity;
}

/** Health in full, beside liveness and readiness, for the management application. */
@Module({})
export class HealthManagementModule {
  static sharing(shared: SharedHealth): DynamicModule {
    const { health, shutdown, admission, configuration, composites, identity } = shared;
    return {
      module: HealthManagementModule,
      imports: [terminus],
      controllers: [HealthController, ManagementHealthController],
      providers: [
        GatewayHealth,
        FullHealth,
        { provide: UpstreamHealth, useValue: health },
        { provide: ShutdownState, useValue: shutdown },
        { provide: AdmissionControl, useValue: admission },
        { provide: ConfigurationState, useValue: configuration },
        { provide: AffectedComposites, useValue: composites },
        { provide: GATEWAY_IDENTITY, useValue: identity },
      ],
    };
  }
}
