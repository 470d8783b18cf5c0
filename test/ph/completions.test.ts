// Completions as the shells themselves give them. A shell that is not installed here is skipped, and says so.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runProgram } from '../support/run-program.ts';
import { launcher } from './at-terminal.ts';

let folder = '';
const scripts = new Map<string, string>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pika-completions-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout, status } = await runProgram(['sh', launcher, 'completions', shell], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    });
    expect(status).toBe(0);
    scripts.set(shell, join(folder, `ph.${shell}`));
    writeFileSync(join(folder, `ph.${shell}`), stdout);
  }
  const repo = join(folder, 'repo');
  mkdirSync(repo);
  const git = (...args: string[]) =>
    spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: repo });
  git('init', '--quiet', '--initial-branch=main');
  git('commit', '--quiet', '--allow-empty', '--message=x');
  git('branch', 'my-feature');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** What the shell offers for a command line that ends where the cursor is. */
const ask: Record<string, (line: string) => string[]> = {
  bash: (line) => {
    const words = line.split(' ');
    const given = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}`;
    return lines('bash', [
      '--norc',
      '-c',
      `. "$1"; ${given}; _ph; printf '%s\\n' "\${COMPREPLY[@]}"`,
      'x',
      scripts.get('bash') ?? '',
    ]);
  },
  // Outside of a line editor zsh completes nothing, so what would be offered is printed.
  zsh: (line) => {
    const show = `
      _describe() { local -a items=(\${(P)@[-1]}); print -rl -- \${items%%:*} }
      compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }
      compdef() { :; }; source "$1"; words=(\${(s: :)2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=$#words; _ph`;
    const offered = lines('zsh', ['-f', '-c', show, 'x', scripts.get('zsh') ?? '', line]);
    return offered.filter((word) => word.startsWith(line.slice(line.lastIndexOf(' ') + 1)));
  },
  fish: (line) =>
    lines('fish', [
      '--no-config',
      '-c',
      `source $argv[1]; complete -C $argv[2]`,
      scripts.get('fish') ?? '',
      line,
    ]).map((answer) => answer.split('\t')[0] ?? ''),
};

function lines(program: string, args: string[]): string[] {
  const { stdout } = spawnSync(program, args, {
    cwd: join(folder, 'repo'),
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, TERM: 'dumb' },
    timeout: 60_000,
  });
  return stdout.split('\n').filter(Boolean);
}

describe.each(['bash', 'zsh', 'fish'])('in %s', (shell) => {
  test.skipIf(!isInstalled(shell))(
    'commands, commands below them, options, their values and branches are offered',
    () => {
      const offered = (line: string) => ask[shell]!(line);
      expect(offered('ph st')).toEqual(['status']);
      expect(offered('ph ')).toEqual(expect.arrayContaining(['login', 'wait', 'secret', 'completions']));
      expect(offered('ph secret ')).toEqual(expect.arrayContaining(['set', 'list', 'remove']));
      expect(offered('ph secret s')).toEqual(['set']);
      expect(offered('ph logs --la')).toEqual(['--lane']);
      expect(offered('ph secret set --re')).toEqual(expect.arrayContaining(['--refs']));
      expect(offered('ph wait my')).toEqual(['my-feature']);
      expect(offered('ph whoami my')).toEqual([]);
      expect(offered('ph nothing')).toEqual([]);
    },
  );
});

test.skipIf(!isInstalled('zsh'))('the script for zsh is one, and defines the completion of ph', () => {
  const script = scripts.get('zsh') ?? '';
  expect(spawnSync('zsh', ['-n', script]).status).toBe(0);
  const check = `autoload -U compinit; compinit -u -D; source "$1"; print -r -- $_comps[ph]`;
  expect(lines('zsh', ['-f', '-c', check, 'x', script])).toEqual(['_ph']);
});

test('another shell is wrong use', async () => {
  const result = await runProgram(['sh', launcher, 'completions', 'tcsh'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
  });
  expect(result).toMatchObject({ status: 2, stdout: '' });
  expect(result.stderr).toContain('bash, zsh, fish');
});
