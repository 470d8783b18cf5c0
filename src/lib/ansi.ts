// Terminal output for people: colours become classes, every other control sequence is taken away, and a
// carriage return leaves what a terminal would show. Linear in its input, whatever stands in it.

export interface Span {
  text: string;
  /** Names of CSS classes, e.g. `ansi-red ansi-bold`; empty for plain text. */
  classes: string;
}

/** The colour in force; handed from line to line. */
export interface Style {
  colour: string | undefined;
  bold: boolean;
  dim: boolean;
}

export const plainStyle: Style = { colour: undefined, bold: false, dim: false };

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const escape = '\u001B';

// In order: CSI; OSC, DCS, PM, APC, SOS up to their end (or, never closed, to the end of the line); other
// two-character escapes; C1 controls and lone controls except tab, newline, carriage return and escape.
const sequences =
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  /\u001B\[([0-?]*)[ -/]*([@-~])|\u001B[\]PX^_][^\u0007\u001B\n]*(?:\u0007|\u001B\\)?|\u001B[ -/]*[0-~]?|[\u0000-\u0008\u000B\u000C\u000E-\u001A\u001C-\u001F\u007F-\u009F]/g;

// oxlint-disable-next-line no-control-regex -- as above
const sgr = /\u001B\[([0-9;:]*)m/g;

/** Text without control sequences other than colours (SGR). Give it whole lines. */
export function stripControls(text: string): string {
  return text.replace(sequences, (sequence: string, parameters?: string, final?: string) =>
    final === 'm' && /^[0-9;:]*$/.test(parameters ?? '') ? sequence : '',
  );
}

/** One line, without its newline, as spans; `style` is that of the line's end, for the next one. */
export function spansOfLine(line: string, from: Style = plainStyle): { spans: Span[]; style: Style } {
  const spans: Span[] = [];
  let style = from;
  let rest = 0;
  const shown = stripControls(afterReturns(line));
  const add = (text: string) => {
    if (text !== '') spans.push({ text: text.replaceAll(escape, ''), classes: classesOf(style) });
  };
  for (const match of shown.matchAll(sgr)) {
    add(shown.slice(rest, match.index));
    rest = match.index + match[0].length;
    style = applySgr(style, match[1] ?? '');
  }
  add(shown.slice(rest));
  return { spans, style };
}

// A progress bar writes over its own line; what was written last is what a terminal shows.
function afterReturns(line: string): string {
  if (!line.includes('\r')) return line;
  const parts = line.split('\r');
  return parts.findLast((part) => part !== '') ?? '';
}

function classesOf({ colour, bold, dim }: Style): string {
  return [colour && `ansi-${colour}`, bold && 'ansi-bold', dim && 'ansi-dim'].filter(Boolean).join(' ');
}

function applySgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = { ...style };
  for (let place = 0; place < codes.length; place += 1) {
    const code = codes[place] ?? 0;
    if (code === 38 || code === 48 || code === 58) {
      // 256 and true colours are not in our palette; their arguments must not be read as codes of their own.
      place += codes[place + 1] === 2 ? 4 : 2;
    } else next = applyCode(next, code);
  }
  return next;
}

function applyCode(style: Style, code: number): Style {
  if (code === 0) return plainStyle;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, colour: undefined };
  if (code === 90) return { ...style, colour: undefined, dim: true };
  if (code >= 30 && code <= 37) return { ...style, colour: colours[code - 30] };
  if (code >= 91 && code <= 97) return { ...style, colour: colours[code - 90] };
  return style;
}
