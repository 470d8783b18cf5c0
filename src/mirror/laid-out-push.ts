// A push of very many refs. Git compares every refspec and every lease on its command line with every ref, which for ten
// thousand takes minutes. Laid out in a folder of its own as the refs that are to be there, one pattern says the same; a hook of
// that push (hooks/mirror/pre-push) is the lease of all of them, and for HTTP a helper keeps the pattern a pattern.
import { access, constants, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zeroOid } from '../git/refs.ts';
import { ForgeError } from '../lib/errors.ts';
import { mirroredPrefixes } from './choose-refs.ts';
import type { RefPush } from './plan-push.ts';

export interface LaidOutPush {
  /** A bare repository that has the refs of the push and reads its objects from the real one. */
  repo: string;
  /** What git is told of the place before `push`, and what stands behind the options of that. */
  settings: string[];
  args: string[];
  environment: Record<string, string>;
  /** The refs that stood elsewhere than expected when git came to send them; with any of these it has sent nothing. */
  moved(): Promise<string[]>;
  close(): Promise<void>;
}

export interface LayOut {
  /** The real repository. */
  repo: string;
  url: string;
  /** A folder of the forge's own. */
  below: string;
  searchPath: string;
}

const hooksFolder = fileURLToPath(new URL('../../hooks/mirror', import.meta.url));

/** Whether the lease of a push is exact: what is expected there, or nothing. */
export const canBeLaidOut = ({ oid, expected }: RefPush, there: string | undefined): boolean =>
  oid !== undefined && (expected !== undefined || there === undefined);

/** The caller closes it in `finally`. Refuses (`unavailable`) where git would pass the lease over. */
export async function layOutPush(batch: readonly RefPush[], layOut: LayOut): Promise<LaidOutPush> {
  const { url, below, searchPath } = layOut;
  await checkLease();
  await mkdir(below, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(below, 'p-'));
  // The lease is compared before anything is sent, and the remote compares it once more as it moves the refs.
  const patterns = mirroredPrefixes
    .filter((prefix) => batch.some(({ ref }) => ref.startsWith(prefix)))
    .map((prefix) => `+${prefix}*:${prefix}*`);
  await writeLaidOut(folder, layOut, { batch, patterns });
  const [, scheme] = /^(https?):/.exec(url) ?? [];
  const settings = [`core.hooksPath=${hooksFolder}`, `remote.there.url=${url}`];
  if (scheme !== undefined) settings.push('remote.there.vcs=by-pattern');
  return {
    repo: folder,
    settings: settings.flatMap((setting) => ['-c', setting]),
    args: ['--', 'there', ...patterns],
    environment:
      scheme === undefined
        ? {}
        : { PATH: `${hooksFolder}:${searchPath}`, GIT_ALLOW_PROTOCOL: `${scheme}:by-pattern` },
    moved: async () => {
      const lines = await readFile(join(folder, 'odd'), 'utf8').catch(() => '');
      return [...new Set(lines.split('\n').flatMap((line) => line.split(' ')[2] ?? []))];
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Git passes over a hook that it may not execute, and would then replace whatever stands there. */
async function checkLease(): Promise<void> {
  try {
    await access(join(hooksFolder, 'pre-push'), constants.X_OK);
  } catch (error) {
    throw new ForgeError(
      'unavailable',
      'git cannot run the hook hooks/mirror/pre-push, so nothing that somebody moved there would be safe; restore it from the package, executable and on a disk that lets programs run.',
      { cause: error },
    );
  }
}

interface Content {
  batch: readonly RefPush[];
  patterns: readonly string[];
}

async function writeLaidOut(folder: string, { repo }: LayOut, { batch, patterns }: Content): Promise<void> {
  await mkdir(join(folder, 'objects/info'), { recursive: true });
  await mkdir(join(folder, 'refs'));
  const inOrder = batch.toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  const files: Record<string, string> = {
    'objects/info/alternates': `${join(repo, 'objects')}\n`,
    HEAD: 'ref: refs/heads/none\n',
    config: '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
    'packed-refs': inOrder.map(({ ref, oid }) => `${oid} ${ref}\n`).join(''),
    expected: inOrder
      .map(({ ref, oid, expected }) => `${ref} ${oid} ${ref} ${expected ?? zeroOid}\n`)
      .join(''),
    patterns: patterns.map((pattern) => `push ${pattern}\n`).join(''),
  };
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
}
