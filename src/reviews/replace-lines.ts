// Other lines in place of some of a file's. Pure; it works on bytes, so that what it leaves is what it was.

export interface Replacement {
  /** Counted from 1. */
  firstLine: number;
  lastLine: number;
  /** Without their ends; none takes the lines away. */
  lines: readonly string[];
}

/** The new content; undefined when two of the replacements are about the same line, or about one that is not there. */
export function replaceLines(content: Buffer, replacements: readonly Replacement[]): Buffer | undefined {
  const lines = content.toString('latin1').split(/(?<=\n)/);
  const ordered = replacements.toSorted((a, b) => a.firstLine - b.firstLine);
  const parts: string[] = [];
  let next = 1;
  for (const { firstLine, lastLine, lines: given } of ordered) {
    if (firstLine < next || lastLine > lines.length) return undefined;
    parts.push(...lines.slice(next - 1, firstLine - 1));
    const [first = '', last = ''] = [lines[firstLine - 1], lines[lastLine - 1]];
    // New lines end as the old ones do, and a file without an end of its last line stays without.
    const before = lines[firstLine - 2] ?? '';
    const end = (first.endsWith('\n') ? first : before).endsWith('\r\n') ? '\r\n' : '\n';
    const text = given.map((line) => Buffer.from(line, 'utf8').toString('latin1') + end).join('');
    parts.push(last.endsWith('\n') ? text : text.slice(0, text.length - (text === '' ? 0 : end.length)));
    next = lastLine + 1;
  }
  parts.push(...lines.slice(next - 1));
  return Buffer.from(parts.join(''), 'latin1');
}
