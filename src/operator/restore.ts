// `pika-git restore`: fills an empty data folder from a backup, then opens it as a start would, brings rows and refs
// together, and says what doctor finds.
import { resolve } from 'node:path';
import { recordAudit } from '../accounts/audit.ts';
import { systemCaller } from '../accounts/system.ts';
import { restoreBackup } from '../backups/restore.ts';
import { ingestSpool } from '../branches/ingest.ts';
import { scanRepo } from '../branches/scan.ts';
import { listStrayFolders } from '../ci/forget/forget.ts';
import { forgetLostYield } from '../ci/lanes/forget-lost.ts';
import { readConfig } from '../forge/config.ts';
import { openForge, type Forge } from '../forge/open.ts';
import { closeReaders } from '../git/object-reader.ts';
import { Git } from '../git/run.ts';
import { recoverMerges } from '../landing/merge/recover.ts';
import { removeTree } from '../lib/remove-tree.ts';
import { listRepos } from '../repos/find.ts';
import { requireBackups } from './backup-verify.ts';
import { counted } from './count-words.ts';
import type { RestoreOptions } from './command-options.ts';
import { examine } from './doctor.ts';
import type { Finding } from './findings.ts';
import { giveToOwner } from './give-to-owner.ts';

export async function runRestore(folder: string, options: RestoreOptions): Promise<number> {
  const names = await requireBackups(folder);
  const name = options.backup ?? names.at(-1) ?? '';
  const data = resolve(options.data);
  const openGit = (): Git => {
    const { paths, searchPath, limits } = readConfig(data);
    return new Git({ home: paths.gitHome, searchPath, limits });
  };
  const manifest = await restoreBackup({ folder, name, data, openGit });
  const forge = openForge(readConfig(data));
  try {
    const detail = { backup: name };
    recordAudit(forge, systemCaller(forge), { action: 'forge.restore', subject: 'this forge', detail });
    const reconciled = await reconcile(forge);
    const findings = await examine(forge, { mend: true, quick: true });
    const ok = findings.every(({ level }) => level !== 'error');
    const { repos, files, at, problems } = manifest;
    const counts = { repositories: repos.length, files: files.count, ...reconciled };
    if (options.json === true) {
      const json = { ok, backup: name, at, data, ...counts, problems, findings };
      process.stdout.write(`${JSON.stringify(json)}\n`);
    } else {
      const head = `Restored ${name} (of ${at}) into ${data}: ${counted(repos.length, 'repository', 'repositories')}, ${counted(files.count, 'file', 'files')}.`;
      process.stdout.write(`${[head, ...linesOf(reconciled, problems, findings)].join('\n')}\n`);
    }
    return ok ? 0 : 1;
  } finally {
    closeReaders(forge.git);
    forge.db.close();
    await giveToOwner(data);
  }
}

interface Reconciled {
  /** Pushes that were answered and are now in the rows. */
  pushes: number;
  merges: { finalised: number; abandoned: number };
  forgotten: { caches: number; folders: number; artifacts: number; logs: number };
}

/** As a start does after a crash: the refs may be ahead of the rows by what was pushed and merged during the backup. */
async function reconcile(forge: Forge): Promise<Reconciled> {
  const merges = await recoverMerges(forge);
  const pushes = (await ingestSpool(forge)).size;
  for (const repo of listRepos(forge)) await scanRepo(forge, repo, { pins: true });
  // Of lanes that came during the backup: the next ones of the same numbers would go on in them.
  for (const folder of await listStrayFolders(forge)) await removeTree(folder);
  return { merges, pushes, forgotten: forgetLostYield(forge) };
}

function linesOf(
  { pushes, merges, forgotten }: Reconciled,
  problems: readonly string[],
  findings: readonly Finding[],
): string[] {
  const { caches, folders, artifacts, logs } = forgotten;
  const said = [
    ...(pushes > 0 ? [`${counted(pushes, 'push', 'pushes')} of the last moments came from the spool.`] : []),
    ...(merges.finalised > 0 ? [`${counted(merges.finalised, 'merge was', 'merges were')} finalised.`] : []),
    ...(caches + folders + artifacts + logs > 0
      ? [
          `Not in the backup: ${counted(caches, 'cache', 'caches')}, ${counted(folders, 'folder', 'folders')} of failed lanes, the artifacts of ${counted(artifacts, 'attempt', 'attempts')}, the logs of ${counted(logs, 'attempt', 'attempts')}.`,
        ]
      : []),
    ...problems.map((problem) => `lost before the backup  ${problem}`),
  ];
  const marks = { ok: 'ok     ', mended: 'mended ', warning: 'warning', error: 'ERROR  ' };
  const found = findings
    .filter(({ level }) => level !== 'ok')
    .map(
      ({ level, what, advice }) =>
        `${marks[level]}  ${what}${advice === undefined ? '' : `\n         ${advice}`}`,
    );
  return [...said, ...(found.length === 0 ? ['Doctor finds nothing wrong.'] : found)];
}
