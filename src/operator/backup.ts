// The command that makes a backup, of a forge that runs or of one that does not.
import { z } from 'zod';
import { recordAudit } from '../accounts/audit.ts';
import { systemCaller } from '../accounts/system.ts';
import { runBackup } from '../backups/run-backup.ts';
import type { Forge } from '../forge/open.ts';
import { counted, mebibytes } from './count-words.ts';
import { packageVersion } from './package-version.ts';

export const backupRequest = z.strictObject({
  command: z.literal('backup'),
  /** An absolute path. */
  folder: z.string(),
  logs: z.boolean().optional(),
  artifacts: z.boolean().optional(),
  keep: z.number().int().min(1).optional(),
});

export async function answerBackup(
  forge: Forge,
  request: z.output<typeof backupRequest>,
): Promise<{ ok: boolean; text: string; json: Record<string, unknown> }> {
  const { folder, keep } = request;
  const { logs, artifacts } = forge.config.backups;
  const detail = { folder };
  recordAudit(forge, systemCaller(forge), { action: 'forge.backup', subject: 'this forge', detail });
  const { name, manifest, removed } = await runBackup(forge, {
    folder,
    keep,
    logs: request.logs ?? logs,
    artifacts: request.artifacts ?? artifacts,
    program: packageVersion(),
  });
  const { problems, repos, files, newBytes, leftOut } = manifest;
  const lines = [
    `Backup ${name} in ${folder}: ${counted(repos.length, 'repository', 'repositories')}, ${counted(files.count, 'file', 'files')}, ${mebibytes(newBytes)} new.`,
    ...(leftOut.length === 0 ? [] : [`Left out: ${leftOut.join(' and ')}.`]),
    ...(removed.length === 0 ? [] : [`Taken away: ${removed.join(', ')}.`]),
    ...problems.map((problem) => `WARNING  ${problem}`),
  ];
  const json = { name, folder, repositories: repos.length, files: files.count, newBytes, leftOut };
  const ok = problems.length === 0;
  return { ok, text: lines.join('\n'), json: { ok, ...json, removed, problems } };
}
