// Which entry of a folder introduces it.
import type { FolderEntry } from './tree.ts';

const names = [/^readme\.(?:md|markdown)$/i, /^readme(?:\.txt|\.rst|\.adoc|\.org)?$/i];

/** The file that readers of a folder look for first, Markdown before plain text; undefined when there is none. */
export function findReadme(entries: readonly FolderEntry[]): FolderEntry | undefined {
  const files = entries.filter(({ kind }) => kind === 'file');
  for (const name of names) {
    const found = files.find((entry) => name.test(entry.name));
    if (found !== undefined) return found;
  }
  return undefined;
}
