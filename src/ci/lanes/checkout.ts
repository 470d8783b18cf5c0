// A detached checkout of one commit in a fresh folder. Its objects are the bare repository's, shared
// read-only through alternates; it has no remote, no hooks and nothing of the forge's configuration.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Git } from '../../git/run.ts';
import { measureTrees } from '../../git/tree-extent.ts';
import { cookieName, killSurvivors } from './survivors.ts';

export interface CheckoutOrder {
  /** The attempt's folder; made new, whatever was there. */
  folder: string;
  commit: string;
  /** The bare repository's objects on this machine, and where the lane will see them. */
  objects: string;
  shownObjects: string;
  searchPath: string;
  /** As of every program of the attempt, so that its git is found and ended when the forge died. */
  cookie: string;
  maxTreeFiles: number;
}

// Far more than the names of the million files that a push may bring.
const maxMemoryBytes = 512 * 1024 * 1024;
const gitLimits = { maxPushBytes: 1, gitSeconds: 900 };

/** Makes `work` (the checkout), `home` and `tmp` in the folder. */
export async function makeCheckout(order: CheckoutOrder): Promise<void> {
  const { folder, commit, objects } = order;
  const work = join(folder, 'work');
  const gitFolder = join(work, '.git');
  rmSync(folder, { recursive: true, force: true });
  for (const path of ['home', 'tmp', 'work/.git/refs/heads', 'work/.git/objects/info', 'work/.git/info']) {
    mkdirSync(join(folder, path), { recursive: true, mode: 0o700 });
  }
  writeFileSync(join(gitFolder, 'HEAD'), `${commit}\n`);
  writeFileSync(join(gitFolder, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = false\n');

  const git = new Git({ home: join(folder, 'git'), searchPath: order.searchPath, limits: gitLimits });
  const env = {
    GIT_DIR: gitFolder,
    GIT_WORK_TREE: work,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: objects,
    [cookieName]: order.cookie,
  };
  const store = {
    repo: gitFolder,
    env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: objects, [cookieName]: order.cookie },
  };
  // Side by side, because most trees are small and each costs a start of git; git writes nothing before it has read all.
  const writing = git.run(['read-tree', '--reset', '-u', commit], { env, maxMemoryBytes });
  const written = Promise.allSettled([writing]);
  try {
    const { files } = await measureTrees(git, store, { names: [`${commit}^{tree}`] });
    if (files > order.maxTreeFiles) {
      throw new Error(
        `the commit has ${files} files, more than the ${order.maxTreeFiles} that a lane may have`,
      );
    }
    await writing;
  } catch (error) {
    await killSurvivors(order.cookie);
    await written;
    throw error;
  }

  writeFileSync(join(gitFolder, 'objects/info/alternates'), `${order.shownObjects}\n`);
  rmSync(join(folder, 'git'), { recursive: true, force: true });
}
