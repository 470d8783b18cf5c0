// What an operator copies from nix/: the package, the machine of the test, the unit, the container.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { runProgram, type ProgramResult } from '../support/run-program.ts';
import { testUnless } from '../support/where-installed.ts';
import { evaluate, parseNix, whyNoNix } from './evaluate.ts';

const top = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(top, 'nix');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const testNix = testUnless(whyNoNix, 'the files of Nix');
const run = (...argv: string[]): Promise<ProgramResult> =>
  runProgram(argv, { cwd: top, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } });

testNix('every file of Nix can be read', async () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.nix'));
  expect(files.toSorted()).toEqual(['module.nix', 'package.nix', 'vm-test.nix']);
  for (const name of files) expect(await parseNix(join(folder, name)), name).toMatchObject({ status: 0 });
});

testNix('the package has every source, and an address for every locked package', async () => {
  const { src, locked, install } = (await evaluate(
    'with package; { inherit src; locked = npmDeps.packageLock.packages; install = installPhase; }',
  )) as { src: string[]; locked: Record<string, { resolved?: string; version: string }>; install: string };
  for (const path of src) expect(existsSync(path), path).toBe(true);
  const { files } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { files: string[] };
  const installed = / -r (.*) \$share\/$/m.exec(install)?.[1]?.split(' ') ?? [];
  // It needs no Nix to run.
  expect(installed).toEqual(expect.arrayContaining(files.filter((name) => name !== 'nix')));
  const { '': own, ...packages } = locked;
  expect(own).not.toHaveProperty('resolved');
  expect(Object.keys(packages).length).toBeGreaterThan(100);
  for (const [path, { resolved, version }] of Object.entries(packages)) {
    expect(resolved, path).toMatch(/^https:\/\/packages\.example\/(?:@[^/]+\/)?([^/]+)\/-\/\1-/);
    expect(resolved, path).toContain(`-${version}.tgz`);
  }
});

testNix(
  'the test of a whole machine has machines that the module accepts, and a script that Python reads',
  async () => {
    const { script, names } = (await evaluate(
      '{ script = vmTest.testScript; names = builtins.attrNames vmTest.nodes; }',
    )) as { script: string; names: string[] };
    expect(names).toEqual(['alone', 'behind_sshd']);
    for (const name of names) {
      const told = await evaluate(`(machine vmTest.nodes.${name}.services.pika-git).failed`);
      expect(told, name).toEqual([]);
      expect(script).toContain(`${name}.wait_for_unit("pika-git.service")`);
    }
    if (!existsSync('/usr/bin/python3')) return;
    const read = await runProgram(
      ['/usr/bin/python3', '-c', 'import ast, sys; ast.parse(sys.stdin.read())'],
      {
        cwd: top,
        env: {},
        input: script,
      },
    );
    expect(read).toMatchObject({ status: 0, stderr: '' });
  },
);

testNix('the unit for other systems is as hard as that of the module', async () => {
  const told = (await evaluate(
    '(machine { enable = true; npmRegistry = ""; }).config.systemd.services.pika-git.serviceConfig',
  )) as Record<string, unknown>;
  const spelled = (value: unknown): string => {
    if (Array.isArray(value)) return value.join(' ');
    return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
  };
  const unit = new Map(
    [...read('pika-git.service').matchAll(/^#?([A-Z][A-Za-z]+)=(.*)$/gm)].map(([, key = '', value = '']) => [
      key,
      value,
    ]),
  );
  // The state directory may be written in any case, and its programs lie elsewhere.
  const { ReadWritePaths: _writable, LoadCredential: _secrets, ExecStart: _start, ...rest } = told;
  for (const [key, value] of Object.entries(rest))
    expect([key, unit.get(key)]).toEqual([key, spelled(value)]);
});

test('systemd understands the unit, and the forge the words that it is started with', async () => {
  const unit = read('pika-git.service');
  const [, words = ''] = /^ExecStart=\/opt\/pika-git\/src\/pika-git serve (.*)$/m.exec(unit) ?? [];
  const help = await run('sh', join(top, 'src/pika-git'), 'serve', '--help');
  const options = words.match(/--[a-z-]+/g) ?? [];
  expect(options.length).toBeGreaterThan(0);
  for (const option of options) expect(help.stdout).toContain(option);
  if (!existsSync('/usr/bin/systemd-analyze')) {
    console.warn('Skipped: systemd-analyze is not installed; on Debian: sudo apt-get install systemd.');
    return;
  }
  const place = mkdtempSync(join(tmpdir(), 'pika-unit-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  const file = join(place, 'pika-git.service');
  writeFileSync(file, unit.replaceAll('/opt/pika-git/', top));
  const { status, stderr } = await run('systemd-analyze', 'verify', '--man=no', file);
  expect([status, stderr.split('\n').filter((line) => line.includes('pika-git.service'))]).toEqual([0, []]);
});

test('the container copies what there is, and starts the forge with words that it knows', async () => {
  const lines = read('Containerfile').replaceAll('\\\n', ' ').split('\n');
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const copied = of('COPY').flatMap((line) => line.split(' ').slice(0, -1));
  for (const path of copied) expect(existsSync(join(top, path)), path).toBe(true);
  const { files } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { files: string[] };
  expect(copied).toEqual(expect.arrayContaining(files.filter((name) => name !== 'nix')));
  const help = await run('sh', join(top, 'src/pika-git'), 'serve', '--help');
  const words = JSON.parse(of('CMD').at(-1) ?? '[]') as string[];
  expect(words[0]).toBe('serve');
  for (const option of words.filter((word) => word.startsWith('--'))) expect(help.stdout).toContain(option);
  // Nothing runs as root once it is made.
  expect(of('USER')).toEqual(['pika-git']);
});
