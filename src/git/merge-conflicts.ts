// What a merge of two commits cannot decide, file by file, as git would leave it in a worktree. Nothing is moved, and
// only object ids go in.
import { readMemoryBytes, type Git } from './run.ts';
import type { MergeSides } from './merge.ts';

export interface ConflictedFile {
  path: string;
  /** What git says of it, e.g. `CONFLICT (content): Merge conflict in a.txt`. */
  messages: string[];
  /** Which of the sides have the file. */
  sides: { base: boolean; target: boolean; head: boolean };
}

export interface Conflicts {
  /** The tree with the marked files; they stand in it under their paths. */
  tree: string;
  files: ConflictedFile[];
}

const maxBytes = 16 * 1024 * 1024;
const objectId = /^[0-9a-f]{40}$/;

/** The files in conflict, in git's order; empty when the two merge cleanly. The commits have a common history. */
export async function readConflicts(git: Git, { repo, target, head }: MergeSides): Promise<Conflicts> {
  for (const oid of [target, head]) {
    if (!objectId.test(oid)) throw new TypeError(`not a full object id: ${oid.slice(0, 60)}`);
  }
  const { stdout, exitCode } = await git.run(['merge-tree', '--write-tree', '-z', target, head], {
    repo,
    accept: [1],
    maxBytes,
    timeoutMs: 30_000,
    maxMemoryBytes: readMemoryBytes,
  });
  const conflicts = parseConflicts(stdout.toString('utf8'));
  return exitCode === 0 ? { ...conflicts, files: [] } : conflicts;
}

/**
 * Reads `merge-tree -z`: the tree; `<mode> <id> <stage>\t<path>` for each side of a file in conflict; an empty field; and
 * `<count> <path>… <kind> <text>` for each message (git-merge-tree(1), "OUTPUT").
 */
export function parseConflicts(output: string): Conflicts {
  const fields = output.split('\0');
  const files = new Map<string, ConflictedFile>();
  const end = fields.indexOf('', 1);
  for (const field of fields.slice(1, end === -1 ? undefined : end)) {
    const [, stage, path] = /^\d+ [0-9a-f]+ ([123])\t(.*)$/s.exec(field) ?? [];
    if (stage === undefined || path === undefined) continue;
    const file = fileAt(files, path);
    if (stage === '1') file.sides.base = true;
    if (stage === '2') file.sides.target = true;
    if (stage === '3') file.sides.head = true;
  }
  for (let at = end === -1 ? fields.length : end + 1; at < fields.length - 1;) {
    const count = Number(fields[at]);
    if (!Number.isInteger(count)) break;
    const paths = fields.slice(at + 1, at + 1 + count);
    const kind = fields[at + count + 1] ?? '';
    const text = (fields[at + count + 2] ?? '').trim();
    if (kind.startsWith('CONFLICT')) for (const path of paths) files.get(path)?.messages.push(text);
    at += count + 3;
  }
  return { tree: fields[0] ?? '', files: [...files.values()] };
}

function fileAt(files: Map<string, ConflictedFile>, path: string): ConflictedFile {
  const file = files.get(path) ?? {
    path,
    messages: [],
    sides: { base: false, target: false, head: false },
  };
  files.set(path, file);
  return file;
}
