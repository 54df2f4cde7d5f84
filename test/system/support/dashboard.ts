import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What is used of a dashboard of Grafana's. */
const dashboardSchema = z.looseObject({
  title: z.string(),
  templating: z.object({
    list: z.array(z.looseObject({ name: z.string(), type: z.string(), definition: z.string().optional() })),
  }),
  annotations: z.object({ list: z.array(z.looseObject({ expr: z.string() })) }),
  panels: z.array(
    z.looseObject({
      id: z.int().positive(),
      type: z.string(),
      title: z.string(),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().max(24), h: z.int() }),
      datasource: z.object({ uid: z.string() }).optional(),
      targets: z
        .array(z.looseObject({ expr: z.string(), datasource: z.object({ uid: z.string() }) }))
        .default([]),
    }),
  ),
});

export type Dashboard = z.output<typeof dashboardSchema>;

export function readDashboard(file: string): Dashboard {
  return dashboardSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Everything it asks Prometheus, with all of each variable. */
export function expressionsOf({ panels, annotations }: Dashboard): readonly string[] {
  const written = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...annotations.list.map(({ expr }) => expr),
  ];
  return written.map((expression) =>
    expression.replaceAll('$job', 'tributary').replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*'),
  );
}

/** The selectors in an expression: what is asked for, and by which labels. */
export function selectorsIn(
  expression: string,
): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  return [...expression.matchAll(SELECTOR)].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*[=!]~?"/g)].map(([, label = '']) => label),
  }));
}

/** Names of what is measured have these beginnings; names of labels stand behind `by`, `on` or within braces. */
const SELECTOR =
  /\b((?:tributary|http_server|http_client|process|nodejs)_\w+|target_info)(?:\{([^}]*)\})?(?!\w*\s*[=!]~?")/g;
