// Looks over a forge, running or not, and says what is wrong and what to do. It changes nothing unless it is asked to
// mend, and then only what is safe: nothing that somebody pushed is ever removed.
import type { Forge } from '../forge/open.ts';
import { listRepos } from '../repos/find.ts';
import { backupParts } from './examine-backups.ts';
import { examineSurroundings, forgeParts } from './examine-forge.ts';
import { repoPart } from './examine-repo.ts';
import { examinePart, type Finding } from './findings.ts';

export interface DoctorOptions {
  mend: boolean;
  /** Looks whether every object is there, not whether it is what it was. */
  quick: boolean;
}

export async function examine(forge: Forge, options: DoctorOptions): Promise<Finding[]> {
  const findings = [await examineSurroundings(forge)];
  const parts = [
    ...forgeParts(forge, options),
    ...backupParts(forge),
    ...listRepos(forge).map((repo) => repoPart(forge, repo, options)),
  ];
  for (const part of parts) findings.push(...(await examinePart(part, options.mend)));
  return findings;
}
