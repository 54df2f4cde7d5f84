import { setTimeout as delay } from 'node:timers/promises';
import { type Child } from './child.js';
import { DemoFailure } from './demo-failure.js';
import { cannotListen } from './ports.js';

const START_WITHIN_MS = 10_000;

/** A service that listens, in a process of its own. */
export interface ServiceProcess {
  readonly child: Child;
  readonly port: number;
  readonly url: string;
}

/**
 * Waits until a service says that it listens.
 * @throws {DemoFailure} when its port is taken, or it ends or stays silent instead.
 */
export async function listening(child: Child, wantedPort: number): Promise<ServiceProcess> {
  const giveUp = new AbortController();
  const silence = delay(START_WITHIN_MS, { silent: true }, giveUp).catch(() => undefined);
  const report = (await Promise.race([child.firstMessage, silence])) as Report | undefined;
  giveUp.abort();
  if (!report) throw new DemoFailure(`The ${child.name} service ${await child.exited} before it listened.`);
  if ('silent' in report) {
    throw new DemoFailure(`The ${child.name} service did not listen within ${START_WITHIN_MS / 1_000} s.`);
  }
  if ('failed' in report) {
    throw cannotListen(
      wantedPort,
      report.failed,
      'set DEMO_BASE_PORT to the first of six free ports in a row',
    );
  }
  return { child, port: report.listening, url: `http://127.0.0.1:${report.listening}` };
}

/** What `serve.ts` says over IPC. */
type Report = { readonly listening: number } | { readonly failed: string } | { readonly silent: true };
