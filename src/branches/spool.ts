// The spool: one file per accepted push, written by hooks/post-receive before it rings. It outlives the
// forge, so a push that was answered ok is never forgotten.
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRefUpdate, type RefUpdate } from '../git/push.ts';

export interface SpooledPush {
  id: string;
  repoId: number;
  actorId: number;
  updates: RefUpdate[];
}

const fileName = /^[0-9a-z-]{8,80}$/;
const rowId = z.coerce.number().int().positive();
const header = z.object({ repo: rowId, actor: rowId });

// These are a few small files: to ask for each of them in a turn of its own takes longer than to read them all.

/** The names of the waiting files, in the order in which the pushes were accepted. */
export function listSpool(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => fileName.test(name));
  const files = names.map((name) => ({
    name,
    at: statSync(join(folder, name), { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n,
  }));
  return files.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ name }) => name);
}

/** Reads `repo <id>`, `actor <id>`, then `<old> <new> <ref>` lines; undefined when the file is gone, throws when it is not one. */
export function readSpooled(folder: string, id: string): SpooledPush | undefined {
  if (!fileName.test(id) || !existsSync(join(folder, id))) return undefined;
  const lines = readFileSync(join(folder, id), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const fields: Record<string, string> = {};
  const updates: RefUpdate[] = [];
  for (const line of lines) {
    const update = parseRefUpdate(line);
    if (update !== undefined) updates.push(update);
    else fields[line.slice(0, line.indexOf(' '))] = line.slice(line.indexOf(' ') + 1);
  }
  const { repo, actor } = header.parse(fields);
  return { id, repoId: repo, actorId: actor, updates };
}

export const removeSpooled = (folder: string, id: string): void => rmSync(join(folder, id), { force: true });
