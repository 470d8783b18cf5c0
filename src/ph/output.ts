// What ph prints: data on standard output, progress and sentences on standard error, colours on a terminal
// alone. Text from the forge may be written by anybody, so nothing in it may steer the terminal.

/* eslint-disable no-control-regex -- control characters are what this file is about */
const escapeSequences = new RegExp(
  [
    String.raw`\u001B\][^\u0007\u001B\u009C\n]*(?:\u0007|\u001B\\|\u009C)?`, // OSC: titles, links, clipboard
    String.raw`\u001B[PX^_][^\u001B\u009C\n]*(?:\u001B\\|\u009C)?`, // DCS, SOS, PM, APC
    String.raw`(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]`, // CSI: colours, cursor, erasing
    String.raw`\u001B[ -/]*[0-~]`, // the short ones
  ].join('|'),
  'g',
);
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;
const directions = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const steering = /[\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
/* eslint-enable no-control-regex */

/** Text of the forge without anything that moves a cursor, changes a title or turns the reading direction. */
export function clean(text: string): string {
  return text
    .replace(escapeSequences, '')
    .replace(/\r\n?/g, '\n')
    .replace(controls, '')
    .replace(directions, '');
}

/** As `clean`, for text that must stay on one line. */
export const cleanLine = (text: string): string =>
  clean(text)
    .replace(/\s*\n\s*/g, ' ')
    .trim();

export type Paint = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

const codes: Record<Paint, [number, number]> = {
  green: [32, 39],
  red: [31, 39],
  yellow: [33, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** One stream as people see it. `width` is that of the terminal, or undefined when it is none. */
export class Screen {
  readonly isTerminal: boolean;
  readonly #stream: NodeJS.WriteStream;
  readonly #coloured: boolean;
  #blockLines = 0;

  constructor(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv = process.env) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY && environment['TERM'] !== 'dumb';
    this.#coloured = this.isTerminal && !environment['NO_COLOR'];
  }

  line(text = ''): void {
    this.#stream.write(`${text}\n`);
  }

  paint(colour: Paint, text: string): string {
    if (!this.#coloured) return text;
    const [on, off] = codes[colour];
    return `\u001B[${on}m${text}\u001B[${off}m`;
  }

  /**
   * Draws `lines` over the block drawn before. Only on a terminal. What it does not have room for is left out: a line that
   * wraps, or that has gone off the top, could not be drawn over again.
   */
  redraw(lines: readonly string[]): void {
    const { columns, rows } = this.#stream;
    const up = this.#blockLines > 0 ? `\u001B[${this.#blockLines}A\r` : '';
    const room = Math.max(2, (rows || 24) - 1);
    const left = lines.length - room + 1;
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `  … and ${left} more`];
    const drawn = shown.map((line) => `\u001B[2K${cut(line, (columns || 80) - 1)}\n`).join('');
    this.#stream.write(`${up}${drawn}\u001B[0J`);
    this.#blockLines = shown.length;
  }
}

// oxlint-disable-next-line no-control-regex -- our own colours, which take no room
const pieces = /\u001B\[\d+m|[^]/gu;
/** What a terminal gives two columns: the scripts of East Asia, and pictures. */
const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;

function widthOf(piece: string): number {
  if (piece.length > 1 && piece.startsWith('\u001B')) return 0;
  if (/^\p{Mn}/u.test(piece)) return 0;
  return wide.test(piece) ? 2 : 1;
}

/** As much of a line as has room, with all of its colours, so that none is left on. */
function cut(line: string, width: number): string {
  const parts = line.match(pieces) ?? [];
  if (parts.reduce((sum, part) => sum + widthOf(part), 0) <= width) return line;
  let room = width;
  return parts
    .map((part) => {
      const own = widthOf(part);
      if (own === 0) return room > 0 || part.length > 1 ? part : '';
      const before = room;
      room -= own;
      // The last column is for the sign that something is left out.
      if (room >= 1) return part;
      return before >= 1 ? '…' : '';
    })
    .join('');
}

export const stdout = new Screen(process.stdout);
export const stderr = new Screen(process.stderr);

/** `--json`: one object on standard output. Two spaces on a terminal, one line in a pipe. */
export function printJson(value: unknown): void {
  stdout.line(safeJson(value, stdout.isTerminal ? 2 : undefined));
}

/** JSON escapes the control characters below 32 alone; the others steer terminals as well. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(
    steering,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Columns as wide as their widest cell, two spaces apart. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  for (const row of rows) {
    stdout.line(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** `1:52`, from two RFC 3339 times; the second may be missing for something that still runs. */
export function elapsed(from: string | null, to: string | null): string {
  if (from === null) return '';
  const seconds = Math.max(
    0,
    Math.round(((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000),
  );
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
