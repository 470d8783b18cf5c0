import { expect, test } from 'vitest';
import { closeBranch } from '../../src/landing/close.ts';
import { useForge } from '../support/forge.ts';
import { atTerminal } from './at-terminal.ts';

const open = useForge();
const dead = 'http://127.0.0.1:1';

test('0: done', async () => {
  const { ph } = await atTerminal(await open());
  expect(await ph('url')).toMatchObject({ status: 0, stderr: '' });
});

test('1: the answer is no', async () => {
  const { ph } = await atTerminal(await open(), { lane: 'failed' });
  expect(await ph('wait')).toMatchObject({ status: 1 });
  expect(await ph('merge')).toMatchObject({ status: 1 });
});

const wrongUses: [string, string[]][] = [
  ['an unknown command', ['dance']],
  ['an unknown option', ['status', '--dance']],
  ['no command', []],
  ['too many branches', ['status', 'a', 'b']],
  ['a time that is none', ['wait', '--timeout', 'soon']],
  ['a goal that is none', ['wait', '--for', 'tea']],
  ['a state that is none', ['list', '--state', 'lost']],
  ['a repository that is none', ['status', '--repo', 'app']],
  ['an attempt without its lane', ['logs', '--attempt', '2']],
  ['a login of two kinds', ['login', '--ssh', '--web']],
];

test('2: wrong use', async () => {
  const { ph } = await atTerminal(await open());
  for (const [what, args] of wrongUses) {
    const result = await ph(...args);
    expect(result, what).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr, what).not.toBe('');
  }
});

test('3: not signed in, and not allowed', async () => {
  const { origin, phWith, ph, staged, branch } = await atTerminal(await open());
  const anonymous = await phWith({ PH_URL: origin }, 'status');
  expect(anonymous).toMatchObject({ status: 3, stdout: '' });
  expect(anonymous.stderr).toContain(`ph login ${origin} --ssh`);
  const wrong = await phWith({ PH_URL: origin, PH_TOKEN: 'pika_wrong' }, 'whoami');
  // A sign-in would change nothing while the variable is set.
  expect(wrong).toMatchObject({ status: 3, stderr: expect.stringContaining('the token in PH_TOKEN') });
  staged.forge.db.run(`UPDATE tokens SET scope = 'read'`);
  expect(await ph('close', String(branch.number))).toMatchObject({ status: 3 });
});

test('4: not found', async () => {
  const { ph } = await atTerminal(await open());
  expect(await ph('status', '99')).toMatchObject({ status: 4 });
  expect(await ph('status', 'no-such-branch')).toMatchObject({ status: 4 });
  expect(await ph('status', '--repo', 'ada/nothing')).toMatchObject({ status: 4 });
  expect(await ph('logs', '--lane', 'nothing')).toMatchObject({ status: 4 });
});

test('5: moved', async () => {
  const { ph, client } = await atTerminal(await open());
  await client.commit('Not pushed', { 'new.txt': 'x\n' });
  expect(await ph('merge')).toMatchObject({ status: 5 });
});

test('6: timed out', async () => {
  const { ph } = await atTerminal(await open(), { lane: 'running' });
  expect(await ph('wait', '--timeout', '0.2')).toMatchObject({ status: 6 });
});

test('7: the forge does not answer, or is none', async () => {
  const { phWith } = await atTerminal(await open());
  const result = await phWith({ PH_URL: dead, PH_TOKEN: 'x' }, 'whoami', '--json');
  expect(result.status).toBe(7);
  expect(JSON.parse(result.stdout)).toMatchObject({ error: { exitStatus: 7 } });
});

test('a refusal that is no gate, after a race, counts as moved', async () => {
  const { ph, staged, branch } = await atTerminal(await open());
  await closeBranch(staged.forge, { ...staged, branch });
  expect(await ph('close')).toMatchObject({ status: 5 });
});

test('help is done, goes to standard output and has examples for every command', async () => {
  const { ph } = await atTerminal(await open());
  const top = await ph('--help');
  expect(top).toMatchObject({ status: 0, stderr: '' });
  const names = [...top.stdout.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]!);
  expect(names).toContain('wait');
  for (const name of names) {
    const help = await ph(name, '--help');
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining(`$ ph ${name}`) });
  }
});
