import '../support/check-answers.ts';
import { expect, test } from 'vitest';
import { createToken } from '../../src/accounts/create-token.ts';
import { policyView } from '../../src/landing/policy/policy-model.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { serveApi } from './served-api.ts';
import { stageRepo } from './staged-branch.ts';

const open = useForge();

test('the policy in force is read from the tip of the target, and says why when it cannot be read', async () => {
  const it = await open();
  const staged = await stageRepo(it);
  const origin = await serveApi(it, staged);
  const token = createToken(it.forge, { accountId: staged.account.id, scope: 'read' });
  const ask = async (query = '') => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${origin}/api/v1/repos/ada/app/policy${query}`, { headers });
    return { status: response.status, json: (await response.json()) as unknown };
  };
  const nothing = policyView.parse((await ask()).json);
  expect(nothing).toMatchObject({ target: 'main', isWritten: false, problem: null, gate: { approvals: 0 } });
  expect(nothing.landing).toMatchObject({ method: staged.repo.mergeMethod, batch: 4 });

  const push = (branch: string, text: string): Promise<string> =>
    pushFiles(it.forge.git, {
      repo: it.repoFolder(staged.repo),
      branch,
      files: { '.pika/policy.toml': text },
    });
  const commit = await push('main', '[gate]\napprovals = 2\n[landing]\nmethod = "squash"\n');
  expect(policyView.parse((await ask()).json)).toMatchObject({
    commit,
    isWritten: true,
    gate: { approvals: 2 },
    landing: { method: 'squash' },
  });
  await push('release', '[gate]\napproval = 2\n');
  const damaged = policyView.parse((await ask('?target=release')).json);
  expect(damaged).toMatchObject({ target: 'release', isWritten: true, gate: null, landing: null });
  expect(damaged.problem).toContain('unknown key gate.approval');
  expect((await ask('?target=nope')).status).toBe(404);
});
