// A forge with branches in every state, and a person who types commands, once into a pipe and once at a terminal. What is
// different at every turn (addresses, object ids, times) is told by its kind.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { startForge, type ServedForge } from '../support/serve.ts';
import type { GitClient } from '../support/git-client.ts';
import { outputOf, runProgram } from '../support/run-program.ts';

export const modes = ['pipe', 'terminal'] as const;
export type Mode = (typeof modes)[number];

export interface SnapshotWorld {
  served: ServedForge;
  /** What a command line says, as it stands in the snapshot. */
  ask: (line: string, mode: Mode) => Promise<string>;
}

/** A clipboard, an erased screen, a colour and a turned reading direction between letters. */
const evil = 'a\u001B]52;c;eA==\u0007\u001B[2Jb\u009B1mc\u202Ed';
// oxlint-disable-next-line no-control-regex -- they are what this is about
const steering = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/;

/** Of one line; more than any of them takes on a machine that runs all the other tests too. */
const timeoutMs = 240_000;

const manifest = `[[lane]]
id = "unit"
title = "Unit tests"
command = "echo checking; test ! -e red.txt || { echo 'not ok 1 - adds'; exit 1; }"
`;

/** Branches that a command ends, one for each mode. */
const spent = ['merge', 'land'].flatMap((name) => modes.map((mode) => `${name}-${mode}`));

export async function openSnapshotWorld(): Promise<SnapshotWorld> {
  const served = await startForge();
  const ada = await served.person('ada', 'admin');
  const bin = join(ada.home, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'ph'), await (await fetch(`${served.http}/ph/ph`)).text());
  chmodSync(join(bin, 'ph'), 0o755);
  const env = {
    ...ada.env,
    PATH: `${bin}:${ada.env['PATH']}`,
    PH_URL: served.http,
    PH_TOKEN: await served.token('ada', 'admin'),
    XDG_CONFIG_HOME: join(ada.home, 'config'),
    TERM: 'xterm',
    EVIL: evil,
    URL: served.http,
  };
  for (const mode of modes) {
    await makeSpareKey(ada, `spare-${mode}`);
    writeFileSync(join(ada.home, `token-${mode}`), await served.token('ada', 'write'));
  }
  await ada.git('remote', 'add', 'origin', `ssh://git@127.0.0.1:${served.sshPort}/ada/app.git`);
  await ada.commit('First', { '.pika/lanes.toml': manifest, 'same.txt': 'one\n' });
  await ada.git('push', '--quiet', '-u', 'origin', 'main');
  const run = (argv: string[]) => runProgram(argv, { cwd: ada.checkout, env, timeoutMs });
  await pushBranch(ada, 'rival');
  for (const name of ['green', 'red', 'fight', 'next', ...spent]) await pushBranch(ada, name);
  await ada.git('switch', '--quiet', 'green');
  await waitForAll(served, env.PH_TOKEN);
  expect(await run(['ph', 'merge', 'rival', '--head', 'rival'])).toMatchObject({ status: 0 });
  const normal = normaliser(served, ada);
  return {
    served,
    ask: async (line, mode) => {
      const typed = line.replaceAll('MODE', mode);
      if (mode === 'terminal') {
        const { status, stdout } = await run([
          'script',
          '-qec',
          `stty cols 80 rows 30; ${typed}`,
          '/dev/null',
        ]);
        const screen = lastScreen(stdout);
        // oxlint-disable-next-line no-control-regex -- colours are what ph itself adds
        expect(screen.replace(/\u001B\[\d+m/g, ''), `T1: ${line}`).not.toMatch(steering);
        return `$ ${normal(typed)}\n${normal(screen)}[exit ${status}]\n`;
      }
      const { status, stdout, stderr } = await run(['sh', '-c', typed]);
      expect(stdout + stderr, `T1: ${line}`).not.toMatch(steering);
      const said = stderr === '' ? '' : `[on standard error]\n${normal(stderr)}`;
      return `$ ${normal(typed)}\n${normal(stdout)}${said}[exit ${status}]\n`;
    },
  };
}

async function pushBranch(ada: GitClient, name: string): Promise<void> {
  await ada.git('switch', '--quiet', '-c', name, 'main');
  const files: Record<string, string> =
    name === 'fight' || name === 'rival' ? { 'same.txt': `${name}\n` } : { [`${name}.txt`]: 'x\n' };
  if (name === 'red') files['red.txt'] = 'x\n';
  await ada.commit(name === 'red' ? `Change ${evil}` : `Change ${name}`, files);
  await ada.git('push', '--quiet', '-u', 'origin', name);
}

/** Until every lane and every tutorial stands still. */
async function waitForAll(served: ServedForge, token: string): Promise<void> {
  const ask = async (path: string) =>
    (
      await fetch(`${served.http}/api/v1/repos/ada/app/branches${path}`, {
        headers: { authorization: `Bearer ${token}` },
      })
    ).json();
  const count = spent.length + 5;
  await expect
    .poll(
      async () => {
        const states = [];
        for (let number = 1; number <= count; number += 1) {
          const { run, tutorial } = (await ask(`/${number}`)) as Record<string, { state: string } | null>;
          states.push(tutorial?.state === 'ready' && /success|failed/.test(run?.state ?? ''));
        }
        return states.filter(Boolean).length;
      },
      { timeout: 60_000, interval: 500 },
    )
    .toBe(count);
}

/** What is left to see of a text that draws over itself. */
export function lastScreen(text: string): string {
  const lines: string[] = [];
  let row = 0;
  for (const piece of text.replaceAll('\r\n', '\n').split('\n')) {
    // oxlint-disable-next-line no-control-regex -- they are what this is about
    const up = /^\u001B\[(\d+)A\r/.exec(piece);
    if (up !== null) row = Math.max(0, row - Number(up[1]));
    if (piece.endsWith('\u001B[0J')) lines.splice(row + 1);
    // oxlint-disable-next-line no-control-regex -- the same
    lines[row] = piece.replace(/^\u001B\[\d+A\r/, '').replace(/\u001B\[(?:2K|0J)/g, '');
    row += 1;
  }
  return lines.slice(0, row).join('\n');
}

function normaliser(served: ServedForge, ada: GitClient): (text: string) => string {
  const replaced: [string | RegExp, string][] = [
    [served.http, 'http://forge'],
    [new RegExp(`127\\.0\\.0\\.1( port |:)${served.sshPort}`, 'g'), 'forge$1SSH'],
    [new RegExp(`-p ${served.sshPort}`, 'g'), '-p SSH'],
    [ada.home, '~'],
    [/\bSHA256:[\w+/]{43}/g, 'SHA256:…'],
    [/\bpika_[\w-]+/g, 'pika_…'],
    [/\bwhsec_[\w+/=-]+/g, 'whsec_…'],
    [/\b\d{4}-\d\d-\d\d(?:T[\d:.]+Z)?/g, 'DATE'],
    [/\b[0-9a-f]{40}\b/g, 'OBJECT'],
    [/\b[0-9a-f]{12}\b/g, 'OBJECT'],
    [/\b[0-9a-f]{8}\b/g, 'OBJ'],
    [/\b(?:bubblewrap|unshare|no sandbox)\b/g, 'SANDBOX'],
    [/\b\d+ running, \d+ waiting/g, 'N running, N waiting'],
    [/\b\d+:\d\d(?::\d\d)?\b/g, 'M:SS'],
    [/\b\d+(?:\.\d+)? ?(?:ms|s)\b/g, 'N s'],
  ];
  return (text) => {
    const plain = replaced.reduce((so, [from, to]) => so.replaceAll(from, to), text);
    return plain.replaceAll('\u001B', '␛');
  };
}

/** A key that nobody has. */
const makeSpareKey = (ada: { home: string }, name: string): Promise<string> =>
  outputOf(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'spare', '-f', join(ada.home, name)], {
    cwd: ada.home,
    env: { PATH: process.env['PATH'] ?? '' },
  });
