import { type BreakerAction, type ProbeAction } from '../console-state.js';

/** What an operator can do to an upstream. */
export type OperatorAction = BreakerAction['action'] | 'pause-probe' | 'resume-probe';

export type ActionResult =
  | { readonly kind: 'done' }
  /** The gateway does not know the token. */
  | { readonly kind: 'unauthorized' }
  | { readonly kind: 'failed'; readonly why: string };

/** How an action is named on a button, and what it did, after the name of the upstream. */
export const ACTION_WORDS: Record<OperatorAction, { readonly button: string; readonly done: string }> = {
  'force-open': { button: 'Force open', done: 'breaker forced open' },
  close: { button: 'Close breaker', done: 'breaker closed' },
  reset: { button: 'Reset breaker', done: 'breaker reset' },
  'pause-probe': { button: 'Pause probe', done: 'probe paused' },
  'resume-probe': { button: 'Resume probe', done: 'probe resumed' },
};

/** Asks the gateway for it; never throws. */
export async function perform(
  upstream: string,
  action: OperatorAction,
  token: string,
): Promise<ActionResult> {
  const [what, body] = requestOf(action);
  try {
    const response = await fetch(`api/upstreams/${encodeURIComponent(upstream)}/${what}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
    });
    if (response.ok) return { kind: 'done' };
    if (response.status === 401) return { kind: 'unauthorized' };
    return { kind: 'failed', why: await problemOf(response) };
  } catch {
    return { kind: 'failed', why: 'The gateway cannot be reached.' };
  }
}

function requestOf(action: OperatorAction): ['breaker', BreakerAction] | ['probe', ProbeAction] {
  switch (action) {
    case 'pause-probe':
      return ['probe', { paused: true }];
    case 'resume-probe':
      return ['probe', { paused: false }];
    case 'force-open':
    case 'close':
    case 'reset':
      return ['breaker', { action }];
  }
}

async function problemOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => null)) as { title?: unknown; detail?: unknown } | null;
  for (const text of [problem?.detail, problem?.title])
    if (typeof text === 'string' && text !== '') return text;
  return `The gateway answered ${response.status}.`;
}
