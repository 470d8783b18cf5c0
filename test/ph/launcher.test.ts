import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { launcher } from './at-terminal.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pika-ph-'));
  folders.push(folder);
  return folder;
}

test('the launcher finds its code through links, relative ones among them', async () => {
  const folder = makeFolder();
  symlinkSync(launcher, join(folder, 'first'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync('../first', join(folder, 'bin/ph'));
  const env = { PATH: '/usr/bin:/bin', HOME: folder };
  const result = await runProgram([join(folder, 'bin/ph'), '--help'], { cwd: folder, env });
  expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: ph') });
});

test.each([
  ['v20.20.2', 2],
  ['v22.17.1', 2],
  ['v22.18.0', 0],
  ['v24.1.0', 0],
])('without a Node of its own, a machine whose Node is %s ends %i', async (version, status) => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'package/src/ph'), { recursive: true });
  copyFileSync(launcher, join(folder, 'package/src/ph/ph'));
  const node = join(folder, 'node');
  writeFileSync(node, `#!/bin/sh\ncase $1 in --version) echo ${version} ;; esac\n`);
  chmodSync(node, 0o755);
  const result = await runProgram(['sh', join(folder, 'package/src/ph/ph')], {
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin`, HOME: folder },
  });
  expect(result.status).toBe(status);
  if (status !== 0) expect(result.stderr).toContain(`needs Node 22.18 or newer and found ${version}`);
});
