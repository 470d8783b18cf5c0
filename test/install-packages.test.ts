// The step that installs npm packages, with a stand-in for npm that only writes down how it was called.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runProgram, type ProgramResult } from './support/run-program.ts';

const script = fileURLToPath(new URL('../src/install-packages', import.meta.url));
let top: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'pika-install-'));
  mkdirSync(join(top, 'src'));
  mkdirSync(join(top, 'bin'));
  cpSync(script, join(top, 'src/install-packages'));
  writeFileSync(join(top, 'package-lock.json'), '{ "version": 1 }');
  standInForNpm('mkdir -p node_modules/vitest');
});
afterEach(() => rmSync(top, { recursive: true }));

function standInForNpm(does: string): void {
  writeFileSync(join(top, 'bin/npm'), `#!/bin/sh\necho "$*" >>"$CALLS"\n${does}\n`, { mode: 0o755 });
}

const install = (...args: string[]): Promise<ProgramResult> =>
  runProgram(['sh', join(top, 'src/install-packages'), ...args], {
    cwd: '/',
    env: { PATH: `${join(top, 'bin')}:/usr/bin:/bin`, CALLS: join(top, 'calls') },
  });

const calls = (): string[] =>
  existsSync(join(top, 'calls')) ? readFileSync(join(top, 'calls'), 'utf8').trim().split('\n') : [];

test('packages are installed once, in one line, and not again', async () => {
  const first = await install();
  expect(first).toMatchObject({ status: 0, stdout: '' });
  expect(first.stderr.trim().split('\n')).toHaveLength(1);
  expect(await install()).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await install('--omit=dev')).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(calls()).toEqual([expect.stringMatching(/^ci --no-audit/)]);
});

test('packages that are linked from another checkout are left alone', async () => {
  mkdirSync(join(top, 'theirs'));
  symlinkSync(join(top, 'theirs'), join(top, 'node_modules'));
  expect(await install()).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(calls()).toEqual([]);
});

test('another lock file installs again', async () => {
  await install();
  writeFileSync(join(top, 'package-lock.json'), '{ "version": 2 }');
  await install();
  expect(calls()).toHaveLength(2);
});

test('an installation without the development packages is not enough for the tests', async () => {
  standInForNpm('mkdir -p node_modules/express');
  await install('--omit=dev');
  await install('--omit=dev');
  expect(calls()).toEqual([expect.stringContaining('--omit=dev')]);
  await install();
  expect(calls()).toHaveLength(2);
});

test('starting the forge with another lock file keeps the development packages', async () => {
  await install();
  writeFileSync(join(top, 'package-lock.json'), '{ "version": 2 }');
  await install('--omit=dev');
  expect(calls()[1]).not.toContain('--omit=dev');
});

test('an installation that failed is tried again', async () => {
  standInForNpm('mkdir -p node_modules; echo "no network" >&2; exit 1');
  const failed = await install();
  expect(failed.status).not.toBe(0);
  expect(failed.stderr).toContain('no network');
  await install();
  expect(calls()).toHaveLength(2);
});

test('packages that somebody installed by hand are taken as they are', async () => {
  mkdirSync(join(top, 'node_modules/vitest'), { recursive: true });
  writeFileSync(join(top, 'node_modules/.package-lock.json'), '{}');
  utimesSync(join(top, 'package-lock.json'), new Date(0), new Date(0));
  expect(await install()).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(calls()).toEqual([]);
});

test('without npm there is a sentence that says what to install', async () => {
  rmSync(join(top, 'bin/npm'));
  const env = { PATH: join(top, 'bin') };
  for (const tool of ['sh', 'dirname', 'cksum', 'cat', 'find']) {
    writeFileSync(join(top, 'bin', tool), `#!/bin/sh\nPATH=/usr/bin:/bin exec ${tool} "$@"\n`, {
      mode: 0o755,
    });
  }
  const refused = await runProgram(['/bin/sh', join(top, 'src/install-packages')], { cwd: '/', env });
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('Node.js') });
});
