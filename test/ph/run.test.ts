// `ph run` in real checkouts with real programs: the lanes that the forge would choose, in their order, with its
// environment.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeClient, type GitClient } from '../support/git-client.ts';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { launcher } from './at-terminal.ts';
import { isGone } from './gone.ts';

// Each test starts several programs, on a machine that runs all the others too.
vi.setConfig({ testTimeout: 300_000 });

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pika-ph-run-'));
  folders.push(folder);
  return folder;
}

const lane = (...lines: string[]): string => `[[lane]]\n${lines.join('\n')}\n`;
const manifestOf = (...lanes: string[]): Record<string, string> => ({ '.pika/lanes.toml': lanes.join('\n') });

interface Here {
  client: GitClient;
  ph: (...args: string[]) => Promise<ProgramResult>;
  phWith: (env: Record<string, string>, ...args: string[]) => Promise<ProgramResult>;
}

/** A checkout of a topic on top of main, as it would be after `git switch -c topic`. */
async function checkout(files: Record<string, string>): Promise<Here> {
  const client = await makeClient(scratch(), { name: 'ada' });
  await client.commit('one', { 'README.md': 'x\n', ...files });
  await client.git('switch', '--quiet', '-c', 'topic');
  const phWith: Here['phWith'] = (env, ...args) =>
    runProgram(['sh', launcher, 'run', ...args], {
      cwd: client.checkout,
      env: { ...client.env, ...env },
      timeoutMs: 280_000,
    });
  return { client, phWith, ph: (...args) => phWith({}, ...args) };
}

const write = (client: GitClient, files: Record<string, string>) => client.commit('more', files);
const statesIn = ({ stdout }: ProgramResult): Record<string, string> =>
  Object.fromEntries(
    (JSON.parse(stdout) as { lanes: { id: string; state: string }[] }).lanes.map(({ id, state }) => [
      id,
      state,
    ]),
  );

describe('which lanes run', () => {
  const files = manifestOf(
    lane('id = "docs"', 'command = "true"', 'paths = ["docs/**"]'),
    lane('id = "code"', 'command = "true"', 'paths = ["src/**"]'),
    lane('id = "always"', 'command = "true"'),
  );

  test('those that the changes of the working tree touch, committed, staged, edited or new', async () => {
    const { client, ph } = await checkout(files);
    await write(client, { 'other.txt': '1\n' });
    const untouched = await ph('--list');
    expect(untouched.stderr).toContain('1 path changed since');
    expect(untouched.stdout).toMatch(
      /docs +skipped +no change touches docs\/\*\*\ncode +skipped .*\nalways +runs\n/,
    );
    await runProgram(['mkdir', 'src'], { cwd: client.checkout, env: client.env });
    await runProgram(['touch', 'src/new.ts'], { cwd: client.checkout, env: client.env });
    expect((await ph('--list')).stdout).toMatch(/docs +skipped.*\ncode +runs\nalways +runs\n/);
    const result = await ph('--json');
    expect(result.status).toBe(0);
    expect(statesIn(result)).toEqual({ docs: 'skipped', code: 'success', always: 'success' });
    expect(statesIn(await ph('--all', '--json'))).toEqual({
      docs: 'success',
      code: 'success',
      always: 'success',
    });
  });

  test('every lane when the manifest itself was changed, or nothing was', async () => {
    const { client, ph } = await checkout(files);
    expect((await ph('--list')).stdout).not.toContain('skipped');
    await write(client, { 'other.txt': '1\n' });
    expect((await ph('--list')).stdout).toContain('skipped');
    await write(client, { '.pika/lanes.toml': `${files['.pika/lanes.toml']}\n# changed\n` });
    expect((await ph('--list')).stdout).not.toContain('skipped');
  });

  test('L2: a lane that the target requires runs, though the branch has taken it out', async () => {
    const { client, ph } = await checkout(files);
    await write(client, manifestOf(lane('id = "mine"', 'command = "true"')));
    expect(statesIn(await ph('--json'))).toMatchObject({
      mine: 'success',
      always: 'success',
      code: 'success',
    });
  });

  test('a lane by its id is its whole matrix, by its key one of it, and brings what it needs along', async () => {
    const { ph } = await checkout(
      manifestOf(
        lane('id = "build"', 'command = "true"'),
        lane('id = "unit"', 'needs = ["build"]', 'matrix = { node = ["22", "24"] }', 'command = "true"'),
        lane('id = "other"', 'command = "false"'),
      ),
    );
    expect(statesIn(await ph('unit', '--json'))).toEqual({
      build: 'success',
      'unit.22': 'success',
      'unit.24': 'success',
    });
    expect(statesIn(await ph('unit.24', '--no-needs', '--json'))).toEqual({ 'unit.24': 'success' });
    const unknown = await ph('nope');
    expect(unknown).toMatchObject({ status: 4, stdout: '' });
    expect(unknown.stderr).toContain('There is no lane nope; the lanes are: build, unit.22, unit.24, other.');
  });

  test('a nightly runs by its name alone', async () => {
    const nightly = '[[nightly]]\nid = "soak"\nschedule = "0 3 * * *"\ncommand = "echo soaked"\n';
    const { ph } = await checkout(manifestOf(lane('id = "unit"', 'command = "true"'), nightly));
    expect(statesIn(await ph('--json'))).toEqual({ unit: 'success' });
    expect(await ph('soak')).toMatchObject({ status: 0, stdout: expect.stringContaining('soaked\n') });
  });

  test('the target is what the remote calls its HEAD, or the one that is named', async () => {
    const { client, ph } = await checkout(files);
    await write(client, { 'src/a.ts': '1\n' });
    await client.git('update-ref', 'refs/remotes/origin/trunk', 'HEAD');
    await client.git('remote', 'add', 'origin', 'https://git.example.org/ada/app.git');
    await client.git('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/trunk');
    await write(client, { 'docs/a.md': '1\n' });
    expect((await ph('--list')).stdout).toMatch(/docs +runs\ncode +skipped/);
    expect((await ph('--list', '--target', 'main')).stdout).toMatch(/docs +runs\ncode +runs/);
    expect(await ph('--list', '--target', 'nope')).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('There is no branch nope here'),
    });
  });
});

describe('how lanes run', () => {
  test('in the order of their needs; what needs a failed one is skipped, and the rest goes on', async () => {
    const { ph } = await checkout(
      manifestOf(
        lane('id = "last"', 'needs = ["middle"]', 'command = "echo last"'),
        lane('id = "middle"', 'needs = ["first"]', 'command = "echo middle; exit 3"'),
        lane('id = "first"', 'command = "echo first"'),
        lane('id = "apart"', 'command = "echo apart"'),
      ),
    );
    const { status, stdout, stderr } = await ph();
    expect(status).toBe(1);
    expect(stdout.split('\n').slice(0, 3)).toEqual(['first', 'middle', 'apart']);
    expect(stdout).toMatch(/middle +failed +0:\d\d +exit 3\n/);
    expect(stdout).toMatch(/last +skipped +needs middle, which did not succeed\n/);
    expect(stdout).toMatch(/\nfailed\n$/);
    expect(stderr).toContain('<== middle failed');
  });

  test('a lane that is not required fails nothing, unless it was asked for', async () => {
    const { ph } = await checkout(
      manifestOf(
        lane('id = "style"', 'required = false', 'command = "exit 1"'),
        lane('id = "unit"', 'command = "true"'),
      ),
    );
    expect((await ph()).status).toBe(0);
    expect((await ph('style')).status).toBe(1);
  });

  test('with the environment of the forge and nothing of the own, but for secrets of that name', async () => {
    const show = 'command = "env; ls -A \\"$HOME\\" | wc -l; echo to-stderr >&2"';
    const { client, phWith } = await checkout(
      manifestOf(lane('id = "env"', 'secrets = ["TOKEN", "MISSING"]', 'env = { OWN = "1" }', show)),
    );
    const given = { TOKEN: 'from-me', STRAY: 'x', GIT_DIR: '/nowhere/x' };
    const { GIT_DIR: _, ...clean } = given;
    const { status, stdout, stderr } = await phWith(clean);
    expect(status).toBe(0);
    const head = await client.git('rev-parse', 'HEAD');
    for (const line of [
      'CI=true',
      'OWN=1',
      'TOKEN=from-me',
      'PIKA_LANE=env',
      'PIKA_BRANCH=topic',
      'LANG=C.UTF-8',
    ]) {
      expect(stdout).toContain(`\n${line}\n`);
    }
    for (const line of [
      `PIKA_COMMIT=${head}`,
      `PIKA_MERGE_BASE=${head}`,
      'PIKA_TARGET=main',
      '0',
      'to-stderr',
    ]) {
      expect(stdout).toContain(`\n${line}\n`);
    }
    expect(stdout).not.toContain('STRAY');
    expect(stdout).not.toContain(`HOME=${client.home}\n`);
    expect(stderr).toContain('a secret MISSING on the forge');
    expect(readdirSync(client.home).filter((name) => name.startsWith('ph-run-'))).toEqual([]);

    const own = await phWith(clean, '--own-env');
    expect(own.stdout).toContain('\nSTRAY=x\n');
    expect(own.stdout).toContain(`\nHOME=${client.home}\n`);
  });

  test('failing tests of its reports are named with their line, and old reports are not believed', async () => {
    const report = `<testsuite name="cart"><testcase classname="cart" name="adds"/><testcase classname="cart" name="sums" file="src/cart.js" line="2"><failure message="expected 3">at src/cart.js:2:5</failure></testcase></testsuite>`;
    const { client, ph } = await checkout({
      ...manifestOf(
        lane(
          'id = "unit"',
          `command = '''echo '${report}' > out/junit.xml; exit 1'''`,
          'reports = ["out/*.xml"]',
        ),
        lane('id = "old"', 'command = "true"', 'reports = ["left.xml"]'),
      ),
      'src/cart.js': 'a\nb\n',
      'left.xml': report,
      'out/.keep': '',
    });
    await runProgram(['touch', '-d', '2020-01-01', 'left.xml'], { cwd: client.checkout, env: client.env });
    const { status, stdout } = await ph();
    expect(status).toBe(1);
    expect(stdout).toContain('failed src/cart.js:2  cart › sums: expected 3\n');
    expect(stdout).toMatch(/unit +failed .*1 passed, 1 failed/);
    expect(stdout).toContain('report left.xml: the lane wrote no such report\n');
  });

  test('a bad manifest is refused with its line, and a folder without one says so', async () => {
    const bad = await checkout(manifestOf(lane('id = "a"', 'command = "true"', 'colour = "red"')));
    expect(await bad.ph()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('.pika/lanes.toml, line 4: unknown key colour'),
    });
    const none = await checkout({});
    expect(await none.ph()).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('no .pika/lanes.toml'),
    });
  });

  test('Ctrl-C ends the lane and all that it started, runs no other, and leaves nothing', async () => {
    const { client } = await checkout(
      manifestOf(
        lane('id = "slow"', 'command = "sleep 1000 & echo child $!; wait"'),
        lane('id = "next"', 'command = "echo next"'),
      ),
    );
    const child = spawn('sh', [launcher, 'run'], { cwd: client.checkout, env: client.env });
    const exited = once(child, 'exit');
    let shown = '';
    const started = Promise.withResolvers<number>();
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      shown += chunk;
      const pid = /child (\d+)\n/.exec(shown)?.[1];
      if (pid !== undefined) started.resolve(Number(pid));
    });
    const pid = await started.promise;
    child.kill('SIGINT');
    expect(await exited).toEqual([1, null]);
    await isGone(pid);
    expect(shown).toMatch(/slow +cancelled .*interrupted\nnext +cancelled +interrupted\ncancelled\n/);
    expect(readdirSync(client.home).filter((name) => name.startsWith('ph-run-'))).toEqual([]);
  });
});

test('a lane that does not listen to Ctrl-C is killed all the same', async () => {
  const { client } = await checkout(
    manifestOf(
      lane(
        'id = "deaf"',
        `command = "trap 'echo asked' TERM; echo shell $$; while :; do sleep 1000 & wait || true; done"`,
      ),
    ),
  );
  const child = spawn('sh', [launcher, 'run'], { cwd: client.checkout, env: client.env });
  const exited = once(child, 'exit');
  let shown = '';
  let sent = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    const wanted = shown.includes('asked') ? 2 : shown.includes('shell') ? 1 : 0;
    for (; sent < wanted; sent += 1) child.kill('SIGINT');
  });
  expect(await exited).toEqual([1, null]);
  await isGone(Number(/shell (\d+)\n/.exec(shown)?.[1]));
});

test('outside of a checkout it says what it runs', async () => {
  const folder = scratch();
  expect(existsSync(join(folder, '.git'))).toBe(false);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, GIT_CEILING_DIRECTORIES: folder };
  expect(await runProgram(['sh', launcher, 'run'], { cwd: folder, env, timeoutMs: 280_000 })).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('no git checkout here'),
  });
});
