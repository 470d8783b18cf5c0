import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCheckout } from '../../src/ci/lanes/checkout.ts';
import { cookieName } from '../../src/ci/lanes/survivors.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();

test('the git of a checkout carries the cookie of its attempt, by which it is found when the forge died', async () => {
  const it = await open();
  const repo = it.repoFolder(await it.repo('ada/app', { files: { 'a.txt': 'one\n' } }));
  const commit = await it.forge.git.text(['rev-parse', 'refs/heads/main'], { repo });
  // A git that writes down its environment, and then is git.
  const programs = join(it.folder, 'programs');
  const seen = join(it.folder, 'environment');
  mkdirSync(programs);
  const path = it.forge.config.searchPath;
  const script = `#!/bin/sh\nenv >'${seen}'\nPATH='${path}' exec git "$@"\n`;
  writeFileSync(join(programs, 'git'), script, { mode: 0o755 });
  const folder = join(it.folder, 'attempt');
  const objects = `${repo}/objects`;
  const cookie = 'test.1-1.';
  const searchPath = `${programs}:${path}`;
  await makeCheckout({
    folder,
    commit,
    objects,
    shownObjects: objects,
    searchPath,
    cookie,
    maxTreeFiles: 1000,
  });
  expect(readFileSync(join(folder, 'work/a.txt'), 'utf8')).toBe('one\n');
  expect(readFileSync(seen, 'utf8').split('\n')).toContain(`${cookieName}=${cookie}`);
});
