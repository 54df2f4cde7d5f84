import { useEffect, useRef, useState } from 'preact/hooks';
import { type ConsoleState, type Transition } from '../console-state.js';
import { type Connection, ConsoleStream } from './console-stream.js';
import { withTransition } from './transition-log.js';

/** What the gateway tells, as it tells it. */
export interface Live {
  /** Null until the first has come. */
  readonly state: ConsoleState | null;
  readonly connection: Connection;
  /** The latest first. */
  readonly transitions: readonly Transition[];
  /** The latest that has happened while the page was open: to be read out. */
  readonly news: Transition | null;
}

export function useLive(): Live {
  const [state, setState] = useState<ConsoleState | null>(null);
  const [connection, setConnection] = useState<Connection>({ kind: 'connecting' });
  const [transitions, setTransitions] = useState<readonly Transition[]>([]);
  const [news, setNews] = useState<Transition | null>(null);
  const openedAt = useRef<number | null>(null);

  useEffect(() => {
    const stream = new ConsoleStream(() => new EventSource('api/events'), {
      state: (next) => {
        openedAt.current ??= next.at;
        setState(next);
      },
      transition: (transition) => {
        setTransitions((log) => withTransition(log, transition));
        if (openedAt.current !== null && transition.at >= openedAt.current) setNews(transition);
      },
      connection: (next) => {
        setConnection({ ...next });
      },
    });
    const wake = (): void => {
      if (document.visibilityState === 'visible') stream.wake();
    };
    document.addEventListener('visibilitychange', wake);
    window.addEventListener('online', wake);
    window.addEventListener('pageshow', wake);
    return () => {
      document.removeEventListener('visibilitychange', wake);
      window.removeEventListener('online', wake);
      window.removeEventListener('pageshow', wake);
      stream.end();
    };
  }, []);

  return { state, connection, transitions, news };
}
