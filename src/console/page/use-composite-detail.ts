import { useEffect, useState } from 'preact/hooks';
import { type CompositeDetail } from '../console-state.js';

export type DetailState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'there'; readonly detail: CompositeDetail }
  /** The gateway does not know it. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'failed' };

const REFRESH_EVERY_MS = 2_000;
/** One that the gateway does not know may appear with its first request. */
const LOOK_AGAIN_EVERY_MS = 10_000;

/** A composite looked at closely: asked for again while the tab is looked at. What was shown stays where that fails. */
export function useCompositeDetail(name: string): DetailState {
  const [state, setState] = useState<DetailState>({ kind: 'loading' });

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = async (): Promise<void> => {
      clearTimeout(timer);
      let next: DetailState | undefined;
      if (document.visibilityState === 'visible') {
        next = await load(name, ended.signal);
        if (ended.signal.aborted) return;
        const loaded = next;
        setState((shown) => (loaded.kind === 'failed' && shown.kind === 'there' ? shown : loaded));
      }
      timer = setTimeout(
        () => void refresh(),
        next?.kind === 'unknown' ? LOOK_AGAIN_EVERY_MS : REFRESH_EVERY_MS,
      );
    };
    setState({ kind: 'loading' });
    void refresh();
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [name]);

  return state;
}

async function load(name: string, signal: AbortSignal): Promise<DetailState> {
  try {
    const response = await fetch(`api/composites/${encodeURIComponent(name)}`, { signal, cache: 'no-store' });
    if (response.status === 404) return { kind: 'unknown' };
    if (!response.ok) return { kind: 'failed' };
    return { kind: 'there', detail: (await response.json()) as CompositeDetail };
  } catch {
    return { kind: 'failed' };
  }
}
