import { type Child } from './child.js';
import { type ServiceProcess } from './service-process.js';
import { type DemoSettings } from './settings.js';

/** What to do with a demo that runs, for somebody who has never seen it. */
export function guide(
  services: readonly ServiceProcess[],
  gateway: Child,
  { port, managementPort }: Pick<DemoSettings, 'port' | 'managementPort'>,
): string {
  const api = `http://127.0.0.1:${port}`;
  const management = `http://127.0.0.1:${managementPort}`;
  const reviews = services.find(({ child }) => child.name === 'reviews');
  const row = (name: string, url: string, pid: number | undefined): string =>
    `  ${name.padEnd(10)} ${url}  pid ${String(pid)}`;
  return `
Six services and the gateway are up:
${services.map(({ child, url }) => row(child.name, url, child.pid)).join('\n')}
${row('gateway', api, gateway.pid)}

Ask the first question, then for a product page:
  curl -i ${api}/customers/c-42/overview
  curl -i ${api}/products/p-7/page

Hurt a service and ask for the product page again; then heal it:
  curl -X PUT ${reviews?.url ?? ''}/faults -d '{"hang":true}'
  curl -X DELETE ${reviews?.url ?? ''}/faults

Or kill it (reviews):
  kill ${String(reviews?.child.pid)}

Look around:
  ${api}/docs
  ${management}/console
  ${management}/health

Ctrl-C takes everything down.
`;
}
