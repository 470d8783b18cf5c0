// Where a lane lies on its node: one private folder, removed at the end. A program that was killed leaves its folder and
// perhaps programs of its lane; the next one on that machine takes both away.
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { removeTree } from '../../../lib/remove-tree.ts';
import { readStat } from '../../lanes/proc.ts';
import { killSurvivors } from '../../lanes/survivors.ts';

const prefix = 'pika-lane-';
const ownerName = 'owner.json';

export interface NodeFolders {
  base: string;
  /** Of the attempt itself, as the lane thread of a forge has it. */
  lane: string;
  log: string;
  /** A bare repository with the commit and its history. */
  source: string;
  caches: string;
  artifacts: string;
  reports: string;
  probe: string;
}

const ownerFile = z.strictObject({
  host: z.string(),
  pid: z.number(),
  startedAt: z.string(),
  // One that said less would be that of every program.
  cookie: z.union([z.literal(''), z.string().regex(/^agent-[0-9a-f]+\.\d+-\d+\.$/)]),
});
type Owner = z.output<typeof ownerFile>;

export function makeFolders(scratch: string): NodeFolders {
  mkdirSync(scratch, { recursive: true });
  const base = mkdtempSync(join(scratch, prefix));
  noteOwner({ base }, '');
  const at = (name: string): string => join(base, name);
  for (const name of ['log', 'caches', 'artifacts', 'reports']) mkdirSync(at(name), { mode: 0o700 });
  return {
    base,
    lane: at('lane'),
    log: at('log'),
    source: at('source.git'),
    caches: at('caches'),
    artifacts: at('artifacts'),
    reports: at('reports'),
    probe: at('probe'),
  };
}

/** Says whose the folder is and, before the first program of the lane is started, how those are known. */
export function noteOwner({ base }: Pick<NodeFolders, 'base'>, cookie: string): void {
  const owner: Owner = { host: hostname(), pid: process.pid, startedAt: startOf(process.pid), cookie };
  writeFileSync(join(base, ownerName), JSON.stringify(owner), { mode: 0o600 });
}

/** Ends and removes what is left of programs that were killed on this machine. */
export async function sweepFolders(scratch: string): Promise<void> {
  for (const name of listNames(scratch)) {
    if (!name.startsWith(prefix)) continue;
    const owner = ownerOf(join(scratch, name));
    if (owner === undefined || owner.host !== hostname() || startOf(owner.pid) === owner.startedAt) continue;
    if (owner.cookie !== '') await killSurvivors(owner.cookie);
    await removeTree(join(scratch, name)).catch(() => undefined);
  }
}

function ownerOf(folder: string): Owner | undefined {
  try {
    if (lstatSync(folder).uid !== process.getuid?.()) return undefined;
    return ownerFile.parse(JSON.parse(readFileSync(join(folder, ownerName), 'utf8')));
  } catch {
    // Somebody else's, or one that is just being made.
    return undefined;
  }
}

/** With the pid, the same program for certain (proc_pid_stat(5): the 22nd field); empty when there is none. */
const startOf = (pid: number): string => readStat(pid)[19] ?? '';

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
