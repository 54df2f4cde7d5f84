import { useEffect, useState } from 'preact/hooks';
import { formatHash, parseHash, type Route } from './hash-route.js';

/** The route in the address, and how to change it: a composite is a step in the history, a filter is not. */
export function useRoute(): [Route, (change: Partial<Route>) => void] {
  const [route, setRoute] = useState(() => parseHash(location.hash));

  useEffect(() => {
    const read = (): void => {
      setRoute(parseHash(location.hash));
    };
    window.addEventListener('hashchange', read);
    return () => {
      window.removeEventListener('hashchange', read);
    };
  }, []);

  const change = (part: Partial<Route>): void => {
    const next = { ...route, ...part };
    const hash = formatHash(next);
    if (next.composite === route.composite) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    setRoute(next);
  };
  return [route, change];
}
