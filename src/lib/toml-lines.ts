// Finds the line of a key in TOML text. The parser gives values without places; for a sentence a scan over headers and keys is
// enough, and where it finds nothing the table around it serves.

/** The line, from 1, of a path such as `['gate', 'owners', 1, 'paths']`, else of the nearest table around it. */
export function lineOfKey(source: string, path: readonly (string | number)[]): number | undefined {
  const lines = linesOf(source);
  for (let length = path.length; length > 0; length -= 1) {
    const line = lines.get(path.slice(0, length).join('.'));
    if (line !== undefined) return line;
  }
  return undefined;
}

function linesOf(source: string): Map<string, number> {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  let table: string[] = [];
  for (const [at, line] of source.split('\n').entries()) {
    const header = /^\s*(\[\[?)\s*([\w\s"'.-]+?)\s*\]/.exec(line);
    const key = /^\s*([\w"'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=/.exec(line);
    if (header !== null) {
      table = partsOf(header[2] ?? '');
      if (header[1] === '[[') {
        const name = table.join('.');
        const place = counts.get(name) ?? 0;
        counts.set(name, place + 1);
        table = [...table, String(place)];
      }
    }
    const names = key === null ? table : [...table, ...partsOf(key[1] ?? '')];
    if (header === null && key === null) continue;
    for (let length = names.length; length > 0; length -= 1) {
      const name = names.slice(0, length).join('.');
      // The first line wins: it is where a table begins.
      if (!lines.has(name)) lines.set(name, at + 1);
    }
  }
  return lines;
}

const partsOf = (name: string): string[] =>
  name.split('.').map((part) => part.trim().replaceAll(/^["']|["']$/g, ''));
