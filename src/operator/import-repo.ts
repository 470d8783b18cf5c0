// Makes a repository of a bare one that lies on this machine. The operator acts with the rights of the machine: what its user
// can read, it can import, whatever the configuration says of remotes.
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { systemCaller } from '../accounts/system.ts';
import type { Forge } from '../forge/open.ts';
import { ForgeError } from '../lib/errors.ts';
import { importFolder } from '../mirror/imports/import-folder.ts';
import { isIncomplete, tellBrought } from '../mirror/lfs/tell-objects.ts';
import { fullName, visibilities } from '../repos/model.ts';
import { repoUrls } from '../repos/urls.ts';
import { counted } from './count-words.ts';
import { repoArgument as repo } from './named-repo.ts';

export const importRequest = z.strictObject({
  command: z.literal('repo import'),
  repo,
  path: z.string(),
  visibility: z.enum(visibilities).default('private'),
});

export async function answerImport(
  forge: Forge,
  { repo: named, path, visibility }: z.output<typeof importRequest>,
): Promise<{ ok: boolean; text: string; json: Record<string, unknown> }> {
  if (!isAbsolute(path) || !(existsSync(join(path, 'HEAD')) || existsSync(join(path, '.git', 'HEAD')))) {
    throw new ForgeError('invalid', `${path} is no repository that the user of the forge can read.`);
  }
  const [owner = '', name = ''] = named.split('/');
  const order = { owner, name, visibility, path, caller: systemCaller(forge) };
  const { repo: made, brought, objects } = await importFolder(forge, order);
  const left = brought.found.filter(({ state }) => state !== 'in-step');
  const isWhole = left.length === 0 && (objects === undefined || !isIncomplete(objects));
  const urls = repoUrls(forge, made);
  const lines = [
    `Repository ${fullName(made)} (${visibility}), default branch ${made.defaultBranch}, ${counted(brought.created, 'ref', 'refs')}.`,
    ...left.map(({ ref, message }) => `  left out ${ref}: ${message ?? ''}`),
    ...(objects === undefined ? [] : tellBrought(objects)).map((sentence) => `  ${sentence}`),
    `  ${urls.ssh}`,
    `  ${urls.http}`,
  ];
  return {
    ok: isWhole,
    text: lines.join('\n'),
    json: {
      repo: fullName(made),
      refs: brought.created,
      largeFiles: { brought: objects?.moved ?? 0, missing: objects?.left.map(({ oid }) => oid) ?? [] },
      left: left.map(({ ref, message }) => ({ ref, message })),
    },
  };
}
