// Looks over a forge and says what is wrong and what to do. It changes nothing.
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { listBranches } from '../branches/find.ts';
import { pinRef } from '../branches/model.ts';
import type { Forge } from '../forge/open.ts';
import { latestVersion, schemaVersion } from '../db/migrate.ts';
import { listHeads } from '../git/refs.ts';
import { ForgeError, errorMessage } from '../lib/errors.ts';
import { listRepos } from '../repos/find.ts';
import { fullName, type Repo } from '../repos/model.ts';
import { repoPath } from '../repos/path.ts';
import { checkSurroundings } from './checks.ts';

export const findingSchema = z.object({
  level: z.enum(['ok', 'warning', 'error']),
  what: z.string(),
  advice: z.string().optional(),
});
export type Finding = z.infer<typeof findingSchema>;

export async function examine(forge: Forge): Promise<Finding[]> {
  const findings: Finding[] = [await examineSurroundings(forge), examineDatabase(forge)];
  for (const repo of listRepos(forge)) findings.push(...(await examineRepo(forge, repo)));
  return findings;
}

async function examineSurroundings(forge: Forge): Promise<Finding> {
  try {
    const { git, freeBytes } = await checkSurroundings(forge);
    return { level: 'ok', what: `git ${git}, hooks in place, ${Math.round(freeBytes / 2 ** 30)} GiB free` };
  } catch (error) {
    if (error instanceof ForgeError) return { level: 'error', what: error.message };
    throw error;
  }
}

function examineDatabase(forge: Forge): Finding {
  const result = forge.db.get<{ quick_check: string }>('PRAGMA quick_check')?.quick_check;
  if (result !== 'ok') {
    return {
      level: 'error',
      what: `database: ${result ?? 'no answer'}`,
      advice: 'Restore the newest backup.',
    };
  }
  const version = `${schemaVersion(forge.db)} of ${latestVersion()}`;
  return { level: 'ok', what: `database sound, schema ${version}` };
}

/** Sound objects, and refs that agree with rows: each open branch at its head, each revision pinned. */
async function examineRepo(forge: Forge, repo: Repo): Promise<Finding[]> {
  const name = fullName(repo);
  const path = repoPath(forge, repo.id);
  if (!existsSync(path)) {
    return [
      { level: 'error', what: `${name}: its bare repository is gone`, advice: 'Restore it from a backup.' },
    ];
  }
  const findings: Finding[] = [];
  try {
    await forge.git.run(['fsck', '--connectivity-only', '--no-dangling'], { repo: path });
  } catch (error) {
    findings.push({
      level: 'error',
      what: `${name}: ${errorMessage(error)}`,
      advice: 'Restore it from a backup.',
    });
  }
  findings.push(...(await compareRefs(forge, repo)));
  return findings.length > 0
    ? findings
    : [{ level: 'ok', what: `${name}: objects sound, refs and rows agree` }];
}

async function compareRefs(forge: Forge, repo: Repo): Promise<Finding[]> {
  const path = repoPath(forge, repo.id);
  const heads = await listHeads(forge.git, path);
  const pins = new Set(
    (await forge.git.text(['for-each-ref', '--format=%(refname)', 'refs/pika/heads'], { repo: path })).split(
      '\n',
    ),
  );
  const findings: Finding[] = [];
  const advice = 'The scan mends this within a minute while the forge runs.';
  for (const branch of listBranches(forge, { repoId: repo.id, state: 'open', limit: 100_000 })) {
    const where = `${fullName(repo)} #${branch.number} ${branch.name}`;
    if (heads.get(branch.name) !== branch.headOid) {
      findings.push({ level: 'warning', what: `${where}: its ref and its row differ`, advice });
    }
    if (!pins.has(pinRef(branch.number, branch.revision))) {
      findings.push({ level: 'warning', what: `${where}: revision ${branch.revision} has no pin`, advice });
    }
    if (branch.brokenReason !== undefined) {
      findings.push({ level: 'warning', what: `${where}: broken: ${branch.brokenReason}` });
    }
  }
  return findings;
}
