import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { type HealthCheckResult } from '@nestjs/terminus';
import { AdmissionControl } from '../aggregation/admission-control.js';
import { type AdmissionSnapshot } from '../resilience/admission.js';
import { type AffectedComposite, AffectedComposites } from './affected-composites.js';
import { type RunningConfiguration, ConfigurationState } from './configuration-state.js';
import { GatewayHealth } from './gateway-health.js';
import { ShutdownState } from './shutdown-state.js';
import { UpstreamHealth } from './upstream-health.js';
import { type UpstreamReport } from './upstream-report.js';

/** One upstream in full, and who feels it. */
export interface FullUpstreamReport extends UpstreamReport {
  readonly composites: readonly AffectedComposite[];
}

/** The gateway in full. */
export interface FullReport extends HealthCheckResult {
  readonly configuration: RunningConfiguration;
  /** What the door of the API sees, where there is one. */
  readonly admission?: AdmissionSnapshot;
}

/** Everything that is known of the gateway and its upstreams, for those who run it. */
@Injectable()
export class FullHealth {
  constructor(
    private readonly health: UpstreamHealth,
    private readonly composites: AffectedComposites,
    private readonly gateway: GatewayHealth,
    private readonly shutdown: ShutdownState,
    private readonly admission: AdmissionControl,
    private readonly configuration: ConfigurationState,
  ) {}

  /** The number of the configuration in force. */
  get generation(): number {
    return this.configuration.report().generation;
  }

  /** What is the same as long as nothing has changed that whoever asks wants to know at once. */
  state(): readonly unknown[] {
    return [this.health.revision, this.shutdown.begun, this.configuration.report()];
  }

  /** All upstreams, in the order of the configuration. */
  upstreams(): readonly FullUpstreamReport[] {
    return this.health.reports().map((report) => this.withComposites(report));
  }

  /** The upstream of that name, if there is one. */
  find(name: string): FullUpstreamReport | undefined {
    const report = this.health.find(name);
    return report === undefined ? undefined : this.withComposites(report);
  }

  names(): readonly string[] {
    return this.health.names();
  }

  /** What these upstreams mean for the gateway, in terminus' terms. */
  async of(upstreams: readonly FullUpstreamReport[]): Promise<FullReport> {
    return { ...this.inside(), ...(await this.resultOf(upstreams)) };
  }

  private withComposites(report: UpstreamReport): FullUpstreamReport {
    return { ...report, composites: this.composites.of(report.name) };
  }

  private async resultOf(upstreams: readonly FullUpstreamReport[]): Promise<HealthCheckResult> {
    try {
      return await this.gateway.inFull(upstreams);
    } catch (error) {
      if (error instanceof ServiceUnavailableException) return error.getResponse() as HealthCheckResult;
      throw error;
    }
  }

  private inside(): Pick<FullReport, 'configuration' | 'admission'> {
    const configuration = this.configuration.report();
    const seen = this.admission.snapshot();
    if (seen === undefined) return { configuration };
    return { configuration, admission: { ...seen, loopDelayMs: Math.round(seen.loopDelayMs) } };
  }
}
