// Finds the line of a key in TOML text. The parser gives values without places; for an error message a
// scan over headers and keys is enough, and where it finds nothing the enclosing table's line serves.

/** The line, from 1, of a path such as `['lane', 2, 'needs', 0]`; undefined when even its table is not found. */
export function lineOf(text: string, path: readonly (string | number)[]): number | undefined {
  const lines = text.split('\n');
  const [top, second, ...rest] = path;
  if (top === undefined) return undefined;
  if (typeof second === 'number') return lineInTable(lines, arrayTable(lines, String(top), second), rest);
  const table = arrayTable(lines, String(top), 0, `[${top}]`);
  const firstOfMany = second === undefined ? arrayTable(lines, String(top), 0) : undefined;
  return (
    lineInTable(lines, table ?? firstOfMany, second === undefined ? [] : [second, ...rest]) ??
    keyLine(lines, { from: 0, until: firstHeader(lines) }, String(top))
  );
}

interface Span {
  from: number;
  until: number;
}

function arrayTable(lines: string[], name: string, index: number, header = `[[${name}]]`): Span | undefined {
  let seen = -1;
  let from: number | undefined;
  for (const [at, line] of lines.entries()) {
    const shown = line.replaceAll(/\s|#.*/g, '');
    if (!shown.startsWith('[') || isBelow(shown, name)) continue;
    if (from !== undefined && /^\[\[?[\w"'.-]+\]?\]$/.test(shown)) return { from, until: at };
    if (shown !== header) continue;
    seen += 1;
    if (seen === index) from = at;
  }
  return from === undefined ? undefined : { from, until: lines.length };
}

/** `[lane.env]` and `[[lane.cache]]` belong to the lane above them. */
const isBelow = (header: string, name: string): boolean =>
  header.startsWith(`[${name}.`) || header.startsWith(`[[${name}.`);

function lineInTable(
  lines: string[],
  span: Span | undefined,
  path: readonly (string | number)[],
): number | undefined {
  if (span === undefined) return undefined;
  const key = path[0];
  if (key === undefined) return span.from + 1;
  return keyLine(lines, span, String(key)) ?? span.from + 1;
}

function keyLine(lines: string[], { from, until }: Span, key: string): number | undefined {
  const escaped = key.replaceAll(/[^\w-]/g, '\\$&');
  for (let at = from; at < until; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (new RegExp(`^["']?${escaped}["']?\\s*[.=]`).test(line)) return at + 1;
    if (new RegExp(`^\\[\\[?[\\w-]+\\.["']?${escaped}["']?[.\\]]`).test(line)) return at + 1;
  }
  return undefined;
}

function firstHeader(lines: string[]): number {
  const at = lines.findIndex((line) => line.trimStart().startsWith('['));
  return at < 0 ? lines.length : at;
}
