// Which lines each commit of a branch adds and removes, so that a hunk can be told to belong to the commit that made it.
export interface TouchedLines {
  added: Set<string>;
  removed: Set<string>;
}

/** By path; a path that git has to quote is left out, and so is what lies behind the end of a cut text. */
export type CommitLines = Map<string, TouchedLines>;

/**
 * Reads `git log -p -U0 --format=%x01`: one map for each commit, in the order of the text. The counts in the heads of
 * hunks say which lines are content, so that no content can pose as a head.
 */
export function parseCommitLines(text: string): CommitLines[] {
  const commits: CommitLines[] = [];
  let touched: TouchedLines | undefined;
  let left = 0;
  for (const line of text.split('\n')) {
    const hunk = left > 0 ? undefined : /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (left > 0) {
      if (line.startsWith('+')) touched?.added.add(line.slice(1));
      else if (line.startsWith('-')) touched?.removed.add(line.slice(1));
      if (!line.startsWith('\\')) left -= 1;
    } else if (line === '\x01') {
      commits.push(new Map());
      touched = undefined;
    } else if (hunk !== undefined && hunk !== null) {
      left = Number(hunk[1] ?? 1) + Number(hunk[2] ?? 1);
    } else if (line.startsWith('diff --git ')) {
      touched = undefined;
    } else if (/^(?:---|\+\+\+) [ab]\//.test(line)) {
      touched = { added: new Set(), removed: new Set() };
      commits.at(-1)?.set(line.slice(6).replace(/\t$/, ''), touched);
    }
  }
  return commits;
}
