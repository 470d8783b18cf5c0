// Secrets in lanes that really run: who is given one can use it, nobody reads it in a log, and who is not is told why.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { logFolder } from '../../src/ci/lanes/launch.ts';
import { readLog } from '../../src/ci/logs/log.ts';
import { openCi } from '../../src/ci/open.ts';
import { setSecret } from '../../src/ci/secrets/set-secret.ts';
import { laneReaching, manifest, pushBranch, runOfBranch } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

vi.setConfig({ testTimeout: 300_000 });

const open = useForge();
const value = 'tok-5f0c9d1e77ab42';
const key = '-----BEGIN KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACBzZWNyZXQ\n-----END KEY-----\n';

async function stage() {
  const it = await open({ settings: { ci: { graceSeconds: 1, pollSeconds: 3600 } } });
  const { forge } = it;
  const ci = await openCi(forge);
  it.defer(() => ci.stop());
  const { caller } = it.account('ada');
  const repo = await it.repo('ada/app', { files: { 'README.md': 'x' } });
  setSecret(forge, { repo, caller, name: 'TOKEN', value, refs: ['deploy/*'] });
  setSecret(forge, { repo, caller, name: 'KEY', value: key, refs: ['deploy/*'] });
  const land = (...lanes: string[]) =>
    pushFiles(forge.git, { repo: it.repoFolder(repo), branch: 'main', files: manifest(...lanes) });
  /** Runs the lane of a branch; its end, its log as it is shown, and what lies on the disk of it. */
  const run = async (branch: string, lane: string) => {
    const pushed = await pushBranch(forge, repo, {
      name: branch,
      files: { ...manifest(lane), [branch]: '1' },
    });
    await ci.scheduler.pass();
    const ended = await laneReaching(forge, { run: runOfBranch(forge, pushed), key: 'deploy' });
    const { id: attemptId, token } = ended.attempt;
    const { text } = await readLog(forge, ended.attempt, { from: 0, maxBytes: 1e7 });
    const file = readFileSync(join(logFolder(forge, { attemptId, token }), 'log'), 'latin1');
    return { state: ended.attempt.state, text, file };
  };
  return { land, run };
}

const lane = (command: string, secrets = '["TOKEN", "KEY"]') =>
  `id = "deploy"\nsecrets = ${secrets}\ncommand = ${JSON.stringify(command)}`;

test('L1: a lane uses its secrets, and however it prints them, its log keeps none of them', async () => {
  const { land, run } = await stage();
  const use = `test "$TOKEN" = ${value.split('').join("''")} && echo can-use
    echo "token $TOKEN"; printf %s "$TOKEN" | base64;
    for part in tok- 5f0c9 d1e77 ab42; do printf %s $part; sleep 0.05; done; echo
    printf '%s' "$KEY"; printf '%s' "$KEY" | sed -n 2p; echo "$KEY" >&2; env | sort`;
  await land(lane(use));
  const { state, text, file } = await run('deploy/1', lane(use));
  expect([state, text]).toEqual(['success', expect.stringContaining('can-use')]);
  for (const shown of [text, file]) {
    expect(shown).not.toContain(value);
    expect(shown).not.toContain(Buffer.from(value).toString('base64'));
    expect(shown).not.toContain('b3BlbnNzaC1rZXktdjEAAAAA');
    expect(shown).not.toContain('QyNTUxOQAAACBzZWNyZXQ');
  }
  expect(text).toMatch(/^token \*+/m);
});

test('L2: a branch that writes a secret into its own lane runs without it, and its log says what to do', async () => {
  const { land, run } = await stage();
  await land(lane('true', '["KEY"]'));
  const { state, text } = await run('deploy/1', lane('test -n "$KEY"; echo "token is <${TOKEN-unset}>"'));
  expect([state, text]).toEqual(['success', expect.stringContaining('token is <unset>')]);
  expect(text).toContain('secret TOKEN is not given: the lanes.toml of main does not give it to this lane');
});

test('a branch that a secret is not for runs without it, and its log says whose it is', async () => {
  const { land, run } = await stage();
  const command = 'echo "token is <${TOKEN-unset}>"';
  await land(lane(command));
  const { text } = await run('topic', lane(command));
  expect(text).toContain('token is <unset>');
  expect(text).toContain('secret TOKEN is not given: it is for deploy/* and not for topic');
});
