import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parsePolicy, readPolicy } from '../../src/landing/policy/policy.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();

test('a policy that says nothing asks for nothing', () => {
  expect(parsePolicy('')).toEqual({
    gate: {
      approvals: 0,
      agentsCount: false,
      resolvedThreads: false,
      upToDate: false,
      staleApprovals: 'keep',
      owners: [],
      size: {},
      secrets: { refuse: false, allowPaths: [] },
    },
    landing: { batch: 4, speculation: 1, method: undefined, maxWaitMinutes: 1440 },
  });
});

test('a policy gives what every key says', () => {
  const policy = parsePolicy(`
version = 1
[gate]
approvals = 2
agents_count = true
resolved_threads = true
up_to_date = true
stale_approvals = "dismiss"
[[gate.owners]]
paths = ["src/db/**"]
owners = ["ana", "ben"]
[gate.size]
max_files = 5
max_added_lines = 6
max_file_bytes = 7
[gate.secrets]
refuse = true
allow_paths = ["test/**"]
[landing]
batch = 8
speculation = 3
method = "squash"
max_wait_minutes = 60
`);
  expect(policy).toEqual({
    gate: {
      approvals: 2,
      agentsCount: true,
      resolvedThreads: true,
      upToDate: true,
      staleApprovals: 'dismiss',
      owners: [{ paths: ['src/db/**'], owners: ['ana', 'ben'] }],
      size: { maxFiles: 5, maxAddedLines: 6, maxFileBytes: 7 },
      secrets: { refuse: true, allowPaths: ['test/**'] },
    },
    landing: { batch: 8, speculation: 3, method: 'squash', maxWaitMinutes: 60 },
  });
});

const refusals: [text: string, message: string][] = [
  ['[gate]\naprovals = 1', 'line 2: unknown key gate.aprovals; expected one of approvals, agents_count,'],
  ['\n[gate.size]\n\nmax_files = 0', 'line 4: gate.size.max_files: expected a whole number from 1 to'],
  [
    '[[gate.owners]]\npaths = ["a"]\nowners = ["x"]\n[[gate.owners]]\npaths = ["{"]\nowners = ["y"]',
    'line 5: gate.owners.paths: expected a pattern of paths, but a {',
  ],
  ['[[gate.owners]]\npaths = ["a"]', 'line 1: gate.owners.owners: expected a list of account names'],
  ['gate.secrets.refuse = 3', 'line 1: gate.secrets.refuse: expected true or false.'],
  [
    '[landing]\n# one of three\nmethod = "rebase"',
    'line 3: landing.method: expected one of "merge", "squash", "fast-forward".',
  ],
  ['gate = 3', 'line 1: gate: expected a [gate] table.'],
  ['a = ', 'line 1: this is not TOML'],
];

test.each(refusals)('%j is refused with its line, its key and what was expected', (text, message) => {
  expect(() => parsePolicy(text)).toThrow(`.pika/policy.toml, ${message}`);
});

test('the policy of a commit is read, and one that is no readable file is refused', async () => {
  const { forge, repo: makeRepo, repoFolder } = await open();
  const repo = await makeRepo('ada/app', { files: { 'a.txt': '1\n' } });
  const at = (files: Record<string, string | null>) =>
    pushFiles(forge.git, { repo: repoFolder(repo), branch: 'main', files });
  const without = await forge.git.text(['rev-parse', 'refs/heads/main'], { repo: repoFolder(repo) });
  expect((await readPolicy(forge, repo, without)).gate.approvals).toBe(0);
  const asked = await at({ '.pika/policy.toml': '[gate]\napprovals = 3\n' });
  expect((await readPolicy(forge, repo, asked)).gate.approvals).toBe(3);
  expect((await readPolicy(forge, repo, without)).gate.approvals).toBe(0);
  const folder = await at({ '.pika/policy.toml': null, '.pika/policy.toml/a': '' });
  await expect(readPolicy(forge, repo, folder)).rejects.toMatchObject({ code: 'invalid' });
  const large = await at({ '.pika/policy.toml/a': null, '.pika/policy.toml': `#${'x'.repeat(300_000)}` });
  await expect(readPolicy(forge, repo, large)).rejects.toThrow('expected at most 262144');
});

test('a policy whose content is lost is no policy that asks for nothing', async () => {
  const { forge, repo: makeRepo, repoFolder } = await open();
  const repo = await makeRepo('ada/app', { files: { 'a.txt': '1\n' } });
  const input = `160000 commit ${'1'.repeat(40)}\tpolicy.toml\n`;
  const inner = await forge.git.text(['mktree', '--missing'], { repo: repoFolder(repo), input });
  const tree = await forge.git.text(['mktree'], {
    repo: repoFolder(repo),
    input: `040000 tree ${inner}\t.pika\n`,
  });
  await expect(readPolicy(forge, repo, tree)).rejects.toMatchObject({ code: 'invalid' });
});

test('the policy that the help shows is one, and says the limits of the queue as they are without it', () => {
  const help = readFileSync(new URL('../../templates/help/landing.njk', import.meta.url), 'utf8');
  const [, shown = ''] = /<code>(\[gate\][^<]*)<\/code>/.exec(help) ?? [];
  expect(parsePolicy(shown).landing).toEqual({ ...parsePolicy('').landing, method: 'merge' });
  expect(parsePolicy(shown).gate.owners).toHaveLength(1);
});
