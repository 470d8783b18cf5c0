// A forge with one repository, and remotes for it: bare repositories in folders, with hooks where a test wants a remote with
// a will of its own.
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SettableClock } from '../../src/lib/clock.ts';
import { listRefs } from '../../src/git/refs.ts';
import type { MirrorRef, MirrorRemote, MirrorRequest } from '../../src/mirror/model.ts';
import { defaultPatterns } from '../../src/mirror/model.ts';
import { openMirrors, type Mirrors } from '../../src/mirror/open.ts';
import { addMirror, getMirror } from '../../src/mirror/set-mirror.ts';
import { listAllRefs, listSyncRows } from '../../src/mirror/sync-store.ts';
import type { TestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

export const mirrorSettings = {
  mirror: { allowedSchemes: ['https', 'ssh', 'http', 'file'], allowedRanges: ['127.0.0.0/8', '::1'] },
};

export interface Far {
  folder: string;
  refs: () => Promise<Record<string, string>>;
  /** Runs git in it. */
  git: (...args: string[]) => Promise<string>;
  /** A hook of the shell. */
  hook: (name: string, script: string) => void;
  vanish: () => void;
  /** Makes the file `hold` in it, which a hook may wait for, and takes it away again. */
  hold: () => void;
  release: () => void;
}

/** `it` is opened with a `SettableClock`. */
export async function stageMirror(it: TestForge, clock: SettableClock) {
  const { forge } = it;
  const { caller, account } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { 'a.txt': 'a\n' } });
  const folder = it.repoFolder(repo);
  const mirrors = await start(it);
  const far = (name: string, config: string[] = []): Promise<Far> => openFar(it, name, config);
  const add = (name: string, url: string, request: Partial<MirrorRequest> = {}): MirrorRemote => {
    const wanted = {
      patterns: defaultPatterns,
      credential: { kind: 'none' as const },
      statuses: '',
      active: true,
    };
    return addMirror(forge, { repo, caller, request: { ...wanted, ...request, name, url } });
  };
  return {
    it,
    forge,
    clock,
    caller,
    account,
    repo,
    folder,
    mirrors,
    far,
    add,
    git: (...args: string[]) => forge.git.text(args, { repo: folder }),
    push: (branch: string, text: string, from?: string) =>
      pushFiles(forge.git, {
        repo: folder,
        branch,
        files: { [`${branch}.txt`]: text },
        ...(from ? { from } : {}),
      }),
    /** The refs changed; resolves when every remote was told. */
    tell: async (): Promise<void> => {
      mirrors.ask(repo.id);
      await mirrors.settled();
    },
    mirror: (name: string): MirrorRemote => getMirror(forge, repo, name),
    row: (name: string, ref: string): MirrorRef | undefined =>
      listAllRefs(forge.db, getMirror(forge, repo, name).id).find((one) => one.ref === ref),
    syncs: (name: string) =>
      listSyncRows(forge.db, { remoteId: getMirror(forge, repo, name).id, beforeId: null, limit: 100 }),
  };
}

export async function start(it: TestForge): Promise<Mirrors> {
  const mirrors = await openMirrors(it.forge);
  mirrors.start();
  it.defer(() => mirrors.stop());
  return mirrors;
}

async function openFar({ forge, folder: below }: TestForge, name: string, config: string[]): Promise<Far> {
  const folder = join(below, 'far', `${name}.git`);
  mkdirSync(join(below, 'far'), { recursive: true });
  await forge.git.run(['init', '--quiet', '--bare', '--', folder]);
  const git = (...args: string[]) => forge.git.text(args, { repo: folder });
  for (const [index, key] of config.entries()) {
    if (index % 2 === 0) await git('config', key, config[index + 1] ?? '');
  }
  return {
    folder,
    git,
    refs: async () => Object.fromEntries(await listRefs(forge.git, folder, ['refs/'])),
    hook: (hook, script) => {
      mkdirSync(join(folder, 'hooks'), { recursive: true });
      const file = join(folder, 'hooks', hook);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
    },
    vanish: () => rmSync(folder, { recursive: true }),
    hold: () => writeFileSync(join(folder, 'hold'), ''),
    release: () => rmSync(join(folder, 'hold')),
  };
}
