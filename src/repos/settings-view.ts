// What the settings page shows in its fields: what is in force, or what was typed and refused.
import type { Forge } from '../forge/open.ts';
import { listHeads } from '../git/refs.ts';
import { mergeMethods, visibilities, type MergeMethod, type Repo } from './model.ts';
import { repoPath } from './path.ts';

/** More branches than this are not offered for choice; any name can still be typed. */
const maxChoices = 200;

export interface SettingsForm {
  /** Why a part of the page was refused. */
  refused: Partial<Record<'general' | 'name' | 'protected', string>>;
  saved?: string | undefined;
  /** The body of the refused form. */
  typed?: unknown;
  pattern?: string | undefined;
}

const methods: Record<MergeMethod, { title: string; meaning: string }> = {
  merge: { title: 'Merge commit', meaning: 'every commit of the branch stays in the history' },
  squash: { title: 'Squash', meaning: 'one commit on the target for each branch' },
  'fast-forward': { title: 'Fast-forward only', meaning: 'the branch must stand on top of its target' },
};

export function settingsOf(repo: Repo, form: SettingsForm): Record<string, unknown> {
  const typed = form.typed as Record<string, unknown> | undefined;
  const { refused } = form;
  const ofGeneral = refused.general === undefined ? undefined : typed;
  return {
    repo,
    right: 'maintain',
    refused,
    saved: form.saved,
    fields: {
      description: text(ofGeneral, 'description', repo.description),
      visibility: text(ofGeneral, 'visibility', repo.visibility),
      defaultBranch: text(ofGeneral, 'defaultBranch', repo.defaultBranch),
      mergeMethod: text(ofGeneral, 'mergeMethod', repo.mergeMethod),
      takesNotes: ofGeneral === undefined ? repo.takesNotes : ofGeneral['takesNotes'] === 'on',
      name: text(refused.name === undefined ? undefined : typed, 'name', repo.name),
      pattern: form.pattern ?? text(refused.protected === undefined ? undefined : typed, 'pattern', ''),
    },
    visibilities,
    mergeMethods: mergeMethods.map((value) => ({ value, ...methods[value] })),
  };
}

function text(typed: Record<string, unknown> | undefined, key: string, otherwise: string): string {
  const value = typed?.[key];
  return typeof value === 'string' ? value : otherwise;
}

/** The branches to choose the default one from, by name. */
export async function branchChoices(forge: Forge, repo: Repo): Promise<string[]> {
  const heads = await listHeads(forge.git, repoPath(forge, repo.id));
  return [...heads.keys()].slice(0, maxChoices);
}
