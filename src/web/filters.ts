// What templates may call: times, durations, sizes, object ids. Pure functions from values to text.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A moment as UTC milliseconds, or as the API writes it. */
type Moment = number | string;
const millisecondsOf = (at: Moment): number => (typeof at === 'string' ? Date.parse(at) : at);

/** `6 min ago`; the exact time stands in the title of the element. */
export function ago(at: Moment, now = Date.now()): string {
  const elapsed = Math.max(0, now - millisecondsOf(at));
  if (elapsed < 10 * second) return 'just now';
  if (elapsed < minute) return `${Math.floor(elapsed / second)} s ago`;
  if (elapsed < hour) return `${Math.floor(elapsed / minute)} min ago`;
  if (elapsed < day) return `${Math.floor(elapsed / hour)} h ago`;
  if (elapsed < 60 * day) return `${Math.floor(elapsed / day)} d ago`;
  return iso(at).slice(0, -14);
}

/** `0.4 s`, `1:52` or `2:04:07`, from milliseconds. */
export function duration(milliseconds: number): string {
  if (milliseconds < 10 * second) return `${(Math.max(0, milliseconds) / second).toFixed(1)} s`;
  const total = Math.max(0, Math.round(milliseconds / second));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(total / 60) % 60;
  const hours = Math.floor(total / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
}

// A commit may say any time at all; a Date holds no more than this, before and after 1970.
const maxTime = 8_640_000_000_000_000;

/** RFC 3339 in UTC with `Z`; the year has six digits where four do not hold it. */
export const iso = (at: Moment): string =>
  new Date(Math.min(maxTime, Math.max(-maxTime, millisecondsOf(at)))).toISOString();

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export const short = (oid: string): string => oid.slice(0, 8);

const hidden =
  /[\u00AD\u061C\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;

/** Bidirectional and invisible characters as visible `⟨U+202E⟩`, so that no text can pretend to be another. */
export const visible = (text: string): string =>
  text.replace(hidden, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });

/** A name on one line: line breaks and tabs are shown too, which `visible` leaves to texts. */
export const visibleName = (name: string): string =>
  visible(name).replace(/[\t\n]/g, (character) => (character === '\t' ? '⟨U+0009⟩' : '⟨U+000A⟩'));

const humanWords = (state: string): string => state.replaceAll('_', ' ');

const count = (value: number): string => value.toLocaleString('en');

/** `1 lane`, `3 lanes`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

export const filters = {
  ago,
  duration,
  iso,
  bytes,
  count,
  short,
  visible,
  plural,
  words: humanWords,
};
