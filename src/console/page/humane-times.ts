import { NARROW, NOTHING } from './humane-numbers.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took: `0.4 ms`, `12 ms`, `3.4 s`, `2 min`. */
export function humaneDuration(ms: number | null): string {
  if (ms === null) return NOTHING;
  if (ms < 9.95) return `${ms.toFixed(1).replace(/\.0$/, '')}${NARROW}ms`;
  if (ms < 999.5) return `${Math.round(ms)}${NARROW}ms`;
  if (ms < 9.95 * SECOND) return `${(ms / SECOND).toFixed(1)}${NARROW}s`;
  return humaneSpan(ms);
}

/** For how long something has been so, in whole units: `0 s`, `59 s`, `4 min`, `3 h 20 min`, `2 d`. */
export function humaneSpan(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))}${NARROW}s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}${NARROW}min`;
  if (ms < DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE);
    const hours = `${Math.floor(ms / HOUR)}${NARROW}h`;
    return minutes === 0 ? hours : `${hours} ${minutes}${NARROW}min`;
  }
  return `${Math.floor(ms / DAY)}${NARROW}d`;
}

/** Until something happens: `4 s`, never `0 s` while it has not. */
export function humaneCountdown(ms: number): string {
  return ms < MINUTE ? `${Math.max(1, Math.ceil(ms / SECOND))}${NARROW}s` : humaneSpan(ms);
}

/** The time of day of a moment, to the second: `09:05:07`. */
export function clockTime(at: number): string {
  const moment = new Date(at);
  return [moment.getHours(), moment.getMinutes(), moment.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
