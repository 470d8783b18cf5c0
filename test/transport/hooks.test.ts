// The hooks alone, with the pipes of a git and without.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readSpooled } from '../../src/branches/spool.ts';
import { answerHooks } from '../../src/transport/answer-hooks.ts';
import { writeSpool } from '../../src/transport/write-spool.ts';
import { useForge } from '../support/forge.ts';

const open = useForge();
const pushId = 'push-1234';
const lines = (count: number): string[] =>
  Array.from(
    { length: count },
    (_unused, turn) => `${'0'.repeat(40)} ${turn.toString(16).padStart(40, '1')} refs/heads/b${turn}`,
  );

async function stage() {
  const { forge } = await open();
  const spool = forge.config.paths.spool;
  const env = { PIKA_PUSH_ID: pushId, PIKA_SPOOL: spool, PIKA_REPO_ID: '1', PIKA_ACTOR_ID: '2' };
  /** `attend` gets the two pipes; without it the hook finds nobody at their other ends. */
  const run = async (
    hook: 'pre-receive' | 'post-receive',
    input: readonly string[],
    attend?: (questions: Readable, replies: Writable) => void,
  ) => {
    const file = fileURLToPath(new URL(`../../hooks/${hook}`, import.meta.url));
    const child = spawn(file, {
      env: { ...env, PATH: process.env['PATH'], GIT_QUARANTINE_PATH: '/quarantine' },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    for (const stream of child.stdio) stream?.on('error', () => undefined);
    const [questions, replies] = [child.stdio[3] as Readable, child.stdio[4] as Writable];
    if (attend === undefined) {
      questions.destroy();
      replies.destroy();
    } else attend(questions, replies);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdin?.end(input.map((line) => `${line}\n`).join(''));
    const status = await new Promise((resolve) => void child.on('close', resolve));
    return { status, said };
  };
  const spooled = () => readSpooled(spool, pushId)?.updates.map(({ ref }) => ref);
  return { spool, env, run, spooled };
}

const accept = () => Promise.resolve([]);

test('the lines of a push go to whoever started git, who spools them and answers what to show', async () => {
  const { run, spooled, env, spool } = await stage();
  const ring = async () => [`branch ${spooled()?.length ?? 0}`];
  const save = (given: readonly string[]) => writeSpool(env, given);
  const { status, said } = await run('post-receive', lines(3), (questions, replies) =>
    answerHooks({ questions, replies }, { check: accept, ring, save }),
  );
  expect({ status, said }).toEqual({ status: 0, said: 'branch 3\n' });
  expect(readdirSync(spool)).toEqual([pushId]);
});

test('a push that nobody answers, or that could not be spooled, is spooled by the hook', async () => {
  for (const attend of [
    undefined,
    (questions: Readable, replies: Writable) =>
      answerHooks(
        { questions, replies },
        { check: accept, ring: accept, save: () => Promise.reject(new Error('the disk is full')) },
      ),
    // Ends in the middle of its answer.
    (questions: Readable, replies: Writable) => void questions.once('data', () => replies.end('say half\n')),
  ]) {
    const { run, spool } = await stage();
    expect((await run('post-receive', lines(2), attend)).status).toBe(0);
    expect(readFileSync(join(spool, pushId), 'utf8')).toBe(`repo 1\nactor 2\n${lines(2).join('\n')}\n`);
    expect(readdirSync(spool)).toEqual([pushId]);
  }
});

test('many lines are all spooled, and all looked at', async () => {
  const { run, spooled } = await stage();
  let saved = false;
  let checked = 0;
  const attend = (questions: Readable, replies: Writable) =>
    answerHooks(
      { questions, replies },
      {
        check: async (push) => {
          checked = push.lines.length;
          return [`refused ${push.quarantine}`];
        },
        ring: async () => [`saw ${spooled()?.length ?? 0}`],
        save: async () => void (saved = true),
      },
    );
  expect(await run('post-receive', lines(3000), attend)).toEqual({ status: 0, said: 'saw 3000\n' });
  expect(saved).toBe(false);
  expect(await run('pre-receive', lines(3000), attend)).toEqual({ status: 1, said: 'refused /quarantine\n' });
  expect(checked).toBe(3000);
});

test('nothing is accepted where nobody answers', async () => {
  const { run } = await stage();
  const { status, said } = await run('pre-receive', lines(1));
  expect(status).toBe(1);
  expect(said).toMatch(/nothing was changed/);
});
