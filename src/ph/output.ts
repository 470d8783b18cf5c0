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

  /** Draws `lines` over the block drawn before. Only on a terminal. */
  redraw(lines: readonly string[]): void {
    const width = this.#stream.columns || 80;
    const up = this.#blockLines > 0 ? `\u001B[${this.#blockLines}A\r` : '';
    const shown = lines.map((line) => `\u001B[2K${cut(line, width - 1)}\n`).join('');
    this.#stream.write(`${up}${shown}\u001B[0J`);
    this.#blockLines = lines.length;
  }
}

// Cuts before colours are counted: a line with colours is at most a few characters shorter than it could be.
function cut(line: string, width: number): string {
  if (line.length <= width || line.includes('\u001B')) return line;
  return `${line.slice(0, Math.max(0, width - 1))}…`;
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
