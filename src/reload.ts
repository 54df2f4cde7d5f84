import { closeSync, openSync } from 'node:fs';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { CompositeRoutes } from './composite/composite.module.js';
import { type GatewayDefinition, parseGateway } from './composite/config/gateway.js';
import { FileWatch } from './file-watch.js';
import { ConfigurationState } from './health/configuration-state.js';
import { ShutdownState } from './health/shutdown-state.js';
import { isNothing, reloadChanges, summaryOf } from './reload-summary.js';
import { ConfigurationError } from './upstream/config/configuration-error.js';
import { ConfigurationReport } from './upstream/config/configuration-report.js';
import { gatewayText, type GatewayConfig } from './upstream/config/gateway-config.js';
import { settingsAtOnce, settingsForNextStart } from './upstream/config/next-start.js';
import { UpstreamRegistry } from './upstream/upstream-registry.js';

const logger = new Logger('Reload');

/**
 * Takes over the gateway file as it is now, while the gateway serves: composites, upstreams and policies, as a whole and
 * between two requests. A file that cannot be used changes nothing, and the log says why.
 */
export class GatewayReload {
  /** Which configuration is in force, for those who run the gateway. */
  readonly state = new ConfigurationState();
  private readonly registry: UpstreamRegistry;
  private readonly routes: CompositeRoutes;
  private readonly shutdown: ShutdownState;
  private lastTried: string | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private waiting: Promise<boolean> | undefined;

  constructor(
    api: INestApplicationContext,
    private current: GatewayDefinition,
    /** Told of the configuration that is in force from now on. */
    private readonly onTakenOver: (config: GatewayConfig) => void = () => undefined,
  ) {
    this.registry = api.get(UpstreamRegistry);
    this.routes = api.get(CompositeRoutes);
    this.shutdown = api.get(ShutdownState);
    this.lastTried = current.text;
  }

  /** What is in force. */
  get definition(): GatewayDefinition {
    return { ...this.current, config: this.registry.config };
  }

  /** The text of the file when it was last read, usable or not; undefined where it could not be read. */
  get tried(): string | undefined {
    return this.lastTried;
  }

  /**
   * Reads the file and takes it over. One after the other: who asks while one is waiting has that one, which reads the
   * file after it was asked for.
   *
   * @returns whether what stands in the file is in force now. Never rejects.
   */
  reload(): Promise<boolean> {
    if (this.waiting !== undefined) return this.waiting;
    const next = this.last.then(() => {
      this.waiting = undefined;
      return this.run();
    });
    this.waiting = next;
    this.last = next;
    return next;
  }

  private run(): boolean {
    // What would be opened now would be closed by nobody.
    if (this.shutdown.begun) return false;
    try {
      const next = this.read();
      this.takeOver(next);
      return true;
    } catch (error) {
      this.refuse(error);
      return false;
    }
  }

  /** @throws ConfigurationError with everything that is wrong with it. */
  private read(): GatewayDefinition {
    const { file } = this.current.config;
    this.lastTried = undefined;
    const text = gatewayText(file);
    this.lastTried = text;
    const next = parseGateway(text, { file });
    const report = new ConfigurationReport(next.source);
    this.registry.checkHolders(next.config, report);
    this.routes.check(next.composites, report);
    report.throwIfAny();
    return next;
  }

  /** In one turn of the event loop: no request sees the one without the other. */
  private takeOver(next: GatewayDefinition): void {
    const waiting = settingsForNextStart(this.registry.config, next.config);
    const settings = settingsAtOnce(this.registry.config, next.config);
    const upstreams = this.registry.replace(next.config);
    this.routes.replace(next.composites);
    this.onTakenOver(this.registry.config);
    const changes = reloadChanges(this.current.composites, next.composites, upstreams, settings);
    this.current = next;
    if (isNothing(changes)) this.state.confirmed();
    else this.state.replaced(summaryOf(changes));
    logger.log(`reloaded: ${isNothing(changes) ? 'nothing has changed' : summaryOf(changes)}`);
    if (waiting.length > 0) logger.warn(`${waiting.join(', ')}: takes effect at the next start`);
  }

  private refuse(error: unknown): void {
    const problems = error instanceof ConfigurationError ? error.problems : [];
    this.state.refused(problems);
    if (error instanceof ConfigurationError)
      logger.error(`${error.message}\nthe running configuration stays`);
    else logger.error('the reload failed', error);
  }
}

/**
 * Has a gateway reload on SIGHUP, and, where `server.reload.watch` says so, whenever its file has changed, for as long as
 * the process lives.
 */
export function reloadOnRequest(reload: GatewayReload): void {
  const isSeen = process.stdout.isTTY;
  let watch: FileWatch | undefined;
  const follow = (): void => {
    watch?.stop();
    const { file, server } = reload.definition.config;
    const { watch: isWatched, intervalMs } = server.reload;
    watch = isWatched
      ? new FileWatch({ file, intervalMs, known: () => reload.tried, onChange: run })
      : undefined;
    watch?.start();
  };
  const run = async (): Promise<void> => {
    await reload.reload();
    follow();
  };
  const onHangup = (): void => {
    if (isSeen && !hasTerminal()) {
      // Somebody has closed the window it ran in: it ends as any program does then.
      process.off('SIGHUP', onHangup);
      process.kill(process.pid, 'SIGHUP');
    } else void run();
  };
  // On Windows it means that the console is being closed, and the process with it.
  if (process.platform !== 'win32') process.on('SIGHUP', onHangup);
  follow();
}

/** Whether there is a terminal to this process. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
