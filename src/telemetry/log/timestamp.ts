/** A moment in two ways of writing, each made anew once a second: thousands of lines may share one. */
let second = NaN;
let utc = '';
let local = '';

/** `2025-11-30T02:01:00.123Z` */
export function utcTimestamp(time: number): string {
  turnTo(time);
  return `${utc}.${millis(time)}Z`;
}

/** `2025-11-30 02:01:00.123`, where the machine is. */
export function localTimestamp(time: number): string {
  turnTo(time);
  return `${local}.${millis(time)}`;
}

function turnTo(time: number): void {
  const now = Math.floor(time / 1000);
  if (now === second) return;
  second = now;
  const date = new Date(now * 1000);
  utc = date.toISOString().slice(0, 19);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  local = `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function millis(time: number): string {
  const rest = Math.floor(time) % 1000;
  return rest < 10 ? `00${rest}` : rest < 100 ? `0${rest}` : String(rest);
}
