// D1, D2: a push may be small and mean something endless, or be endless itself. Each is refused or cut with the
// limit named, the forge's memory stays flat, and others are served meanwhile.
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { Git } from '../../src/git/run.ts';
import { makeBomb } from '../support/git-bomb.ts';
import type { GitClient } from '../support/git-client.ts';
import { pushProject } from '../support/sample-project.ts';
import { useSharedForge } from '../support/serve.ts';

const forge = useSharedForge();
const flatMiB = 640;
let ada: GitClient;
let token: string;

beforeAll(async () => {
  const served = await forge();
  ada = await served.person('ada', 'admin');
  token = await served.token('ada');
  await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.txt': 'a\n' } });
}, 60_000);

/** The git of the test itself, on the checkout of ada. */
const localGit = (): Git =>
  new Git({
    home: `${ada.home}/plumbing`,
    searchPath: process.env['PATH'] ?? '',
    limits: { maxPushBytes: 1, gitSeconds: 60 },
  });
const localRepo = (): string => `${ada.checkout}/.git`;

async function page(path: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
  const answer = await fetch(`${(await forge()).http}${path}`, { headers });
  return { status: answer.status, text: await answer.text() };
}

/** The most memory that the forge's process ever had resident. */
async function peakMiB(): Promise<number> {
  const status = readFileSync(`/proc/${(await forge()).pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

test('D1: a push whose dozen objects spell ten thousand million files is refused with the limit', async () => {
  const tree = await makeBomb(localGit(), localRepo(), { levels: 10, width: 10 });
  const bomb = await ada.git('commit-tree', tree, '-p', 'main', '-m', 'Bomb');
  const pushed = await ada.tryGit('push', 'origin', `${bomb}:refs/heads/bomb`);
  expect(pushed.status).not.toBe(0);
  expect(pushed.stderr).toContain('holds more than 1000000 files');
  // Hidden below a commit that removes it again, it is found as well.
  const clean = await ada.git('commit-tree', 'main^{tree}', '-p', bomb, '-m', 'Remove it');
  const hidden = await ada.tryGit('push', 'origin', `${clean}:refs/heads/hidden`);
  expect(hidden.stderr).toContain('holds more than 1000000 files');
  expect((await page('/ada/app')).text).not.toContain('bomb');
});

test('D2: a push of a hundred thousand refs is refused with the limit', async () => {
  const head = await ada.git('rev-parse', 'main');
  const names = Array.from({ length: 100_000 }, (_unused, index) => `refs/heads/many/${index}`).sort();
  writeFileSync(
    `${localRepo()}/packed-refs`,
    `# pack-refs with: peeled fully-peeled sorted \n${names.map((name) => `${head} ${name}\n`).join('')}`,
  );
  const pushed = await ada.tryGit('push', 'origin', 'refs/heads/many/*:refs/heads/many/*');
  expect(pushed.status).not.toBe(0);
  expect(pushed.stderr).toContain('At most 200 refs are taken in one push');
  expect((await page('/ada/app')).status).toBe(200);
  expect(await peakMiB()).toBeLessThan(flatMiB);
});

test('D2: a branch of fifty thousand files and one of a line of ten megabytes have pages that say what is left out', async () => {
  const many = Array.from(
    { length: 50_000 },
    (_unused, index) => `M 644 inline d${index % 100}/f${index}\ndata 2\nx\n\n`,
  );
  const long = `M 644 inline long.txt\ndata ${10 * 1024 * 1024}\n${'x'.repeat(10 * 1024 * 1024)}\n`;
  const main = await ada.git('rev-parse', 'main');
  const who = 'committer Ada <ada@example.org> 1767225600 +0000\ndata 4\nMany';
  const stream = [
    `commit refs/heads/fifty\n${who}\nfrom ${main}\n${many.join('')}`,
    `commit refs/heads/long\n${who}\nfrom ${main}\n${long}done\n`,
  ];
  await localGit().run(['fast-import', '--quiet', '--done'], { repo: localRepo(), input: stream.join('\n') });
  await ada.git('push', '--quiet', 'origin', 'fifty', 'long');
  for (const [name, number, said] of [
    ['fifty', 1, /left out|too large/i],
    ['long', 2, /10481760 more characters/],
  ] as const) {
    const changes = await page(`/ada/app/branches/${number}?tab=changes`);
    expect(changes.status, name).toBe(200);
    expect(said.test(changes.text), name).toBe(true);
    expect((await page(`/ada/app/branches/${number}?tab=tutorial`)).status, name).toBe(200);
  }
  expect(await peakMiB()).toBeLessThan(flatMiB);
});

test('D3: a body nested as deep as it may be long is refused with a sentence', async () => {
  const { http } = await forge();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  for (const body of [
    '['.repeat(400_000),
    `${'['.repeat(400_000)}${']'.repeat(400_000)}`,
    '{"a":'.repeat(150_000),
  ]) {
    const answer = await fetch(`${http}/api/v1/repos`, { method: 'POST', headers, body });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: { message: string } }).error.message).toMatch(/\.$/);
  }
  const large = await fetch(`${http}/api/v1/repos`, {
    method: 'POST',
    headers,
    body: `"${'a'.repeat(2_000_000)}"`,
  });
  expect(large.status).toBe(413);
});
