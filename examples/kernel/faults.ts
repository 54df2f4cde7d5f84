import { unknownName } from './nearest-name.js';
import { Refusal } from './refusal.js';
import { isObject } from './request-body.js';

/** The fault switches of a service, as `PUT /faults` takes them. */
export interface Faults {
  /** Every answer comes this much later. */
  readonly latencyMs?: number;
  /** The latency varies by this much in both directions. */
  readonly jitterMs?: number;
  /** The share of requests that the fault hits, 0 to 1; without it, every request. */
  readonly errorRate?: number;
  /** Answer this status instead; 503 where only `errorRate` is given. */
  readonly status?: number;
  /** Accept the request and never answer. */
  readonly hang?: boolean;
  /** The true headers, then one byte a second. */
  readonly drip?: boolean;
  /** 200 and `application/json`, but not JSON. */
  readonly garbage?: boolean;
  /** Reset the connection: in turn before the headers and in the middle of the body. */
  readonly reset?: boolean;
  /** A body of 2 GiB. */
  readonly huge?: boolean;
  /** The same seed hits the same requests, counted from the `PUT`. Default 1. */
  readonly seed?: number;
}

interface Rule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const SWITCHES: Readonly<Record<keyof Faults, Rule>> = {
  latencyMs: number(0, 600_000),
  jitterMs: number(0, 600_000),
  errorRate: number(0, 1),
  status: integer(200, 599),
  hang: flag(),
  drip: flag(),
  garbage: flag(),
  reset: flag(),
  huge: flag(),
  seed: integer(0, Number.MAX_SAFE_INTEGER),
};

/**
 * Checks what `PUT /faults` was sent.
 * @throws {Refusal} 400 that names the switch, what was found and what was expected.
 */
export function parseFaults(value: unknown): Faults {
  const names = Object.keys(SWITCHES);
  if (!isObject(value)) {
    throw new Refusal(400, `Faults must be a JSON object with any of ${names.join(', ')}.`);
  }
  for (const [name, setting] of Object.entries(value)) {
    if (!isSwitch(name)) throw new Refusal(400, unknownName('fault', name, names));
    const { accepts, expected } = SWITCHES[name];
    if (!accepts(setting)) {
      const found = JSON.stringify(setting).slice(0, 40);
      throw new Refusal(400, `"${name}" must be ${expected}, not ${found}.`);
    }
  }
  return value;
}

function isSwitch(name: string): name is keyof Faults {
  return Object.hasOwn(SWITCHES, name);
}

function number(least: number, most: number): Rule {
  return {
    expected: `a number from ${least} to ${most}`,
    accepts: (value) => typeof value === 'number' && value >= least && value <= most,
  };
}

function integer(least: number, most: number): Rule {
  const { expected, accepts } = number(least, most);
  return {
    expected: expected.replace('a number', 'a whole number'),
    accepts: (value) => accepts(value) && Number.isInteger(value),
  };
}

function flag(): Rule {
  return { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
}
