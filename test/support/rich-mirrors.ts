// Mirrors of the rich forge: one whose remote refuses a branch and has another of its own, and one that nobody reaches; and
// an upstream whose main is another than the one here.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Forge } from '../../src/forge/open.ts';

type Ask = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;

const refusal =
  'case "$1" in */strike-at-noon) echo "GH006: this branch is protected, and takes changes by its own rules alone"; exit 1;; esac';

/** `folder` is that of the test. */
export async function addRichMirrors(
  ask: Ask,
  { forge, folder }: { forge: Forge; folder: string },
): Promise<void> {
  const far = join(folder, 'far.git');
  const git = (...args: string[]): Promise<string> => forge.git.text(args, { repo: far });
  await forge.git.run(['init', '--quiet', '--bare', '--', far]);
  mkdirSync(join(far, 'hooks'), { recursive: true });
  writeFileSync(join(far, 'hooks/update'), `#!/bin/sh\n${refusal}\n`);
  chmodSync(join(far, 'hooks/update'), 0o755);
  const theirs = await git(
    'commit-tree',
    '-m',
    'theirs',
    await git('hash-object', '-w', '-t', 'tree', '/dev/null'),
  );
  await git('update-ref', 'refs/heads/main', theirs);
  const mirrors = '/repos/ada/app/mirrors';
  const key = { kind: 'key' };
  await ask('POST', mirrors, { name: 'gitlab', url: 'ssh://git@127.0.0.1:9/ada/app.git', credential: key });
  await ask('POST', mirrors, { name: 'github', url: far });
  await ask('PUT', '/repos/ada/app/upstream', { url: far, patterns: ['refs/heads/main'] });
}

/** Whether each of them was tried. */
export async function richMirrorsWereTried(ask: Ask): Promise<boolean> {
  const { mirrors } = await ask('GET', '/repos/ada/app/mirrors');
  const { state: upstream } = await ask('GET', '/repos/ada/app/upstream');
  const states = (mirrors as { state: string }[]).map(({ state }) => state);
  return upstream === 'partial' && states.every((state) => state === 'refused' || state === 'failing');
}
