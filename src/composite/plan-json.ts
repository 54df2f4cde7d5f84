import { type Forecast } from './forecast.js';
import { type CompositePlan, type PlannedPart } from './plan.js';

/** A plan for programs: what `tributary plan --format json` prints. Durations in ms. */
export function planJson({ config, parts }: CompositePlan, forecast: Forecast): object {
  const { name, method, route, deadline, status, partialStatus = status } = config;
  return {
    name,
    method,
    route,
    deadlineMs: deadline,
    status,
    partialStatus,
    params: config.params.map(({ name: param, in: place, required, schema }) => ({
      name: param,
      in: place,
      required,
      schema,
    })),
    parts: parts.map(partJson),
    worstCase: forecast,
  };
}

function partJson({ config, needs }: PlannedPart): object {
  const { name, upstream, method, url, required, fallback, within, when, forEach } = config;
  return {
    name,
    upstream,
    method,
    url,
    needs,
    required,
    ...(required ? {} : { fallback }),
    ...(within === undefined ? {} : { withinMs: within }),
    ...(when === undefined ? {} : { when }),
    ...(forEach === undefined ? {} : { forEach }),
  };
}
