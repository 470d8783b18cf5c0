// D1: a bomb that no push brought, because it lay in the repository already. Every page that meets it answers within
// its time and says what is left out, and neither the forge nor any git of it takes the memory of the machine.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCheckout } from '../../src/ci/lanes/checkout.ts';
import { Git } from '../../src/git/run.ts';
import { makeBomb } from '../support/git-bomb.ts';
import { pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';

let served: ServedForge;
let repo: string;
const gitMiB = 640;
const forgeMiB = 640;
const pageMs = 60_000;
let token: string;
let bomb: string;

beforeAll(async () => {
  served = await startForge({ settings: '[limits]\nreadSeconds = 2\n' });
  const ada = await served.person('ada', 'admin');
  token = await served.token('ada');
  await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.txt': 'a\n' } });
  const git = new Git({
    home: join(served.folder, 'plumbing'),
    searchPath: process.env['PATH'] ?? '',
    limits: { maxPushBytes: 1, gitSeconds: 60 },
  });
  const [name = ''] = readdirSync(join(served.data, 'repos'));
  repo = join(served.data, 'repos', name);
  const tree = await makeBomb(git, repo, { levels: 10, width: 10 });
  // Two commits, for git has to tell whose lines are whose.
  const before = await git.text(
    ['commit-tree', 'refs/heads/main^{tree}', '-p', 'refs/heads/main', '-m', 'Before'],
    { repo },
  );
  bomb = await git.text(['commit-tree', tree, '-p', before, '-m', 'Bomb'], { repo });
  await git.run(['update-ref', 'refs/heads/bomb', bomb], { repo });
}, 60_000);
afterAll(() => disposeServed(served), 60_000);

async function page(path: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
  const answer = await fetch(`${served.http}${path}`, { headers });
  return { status: answer.status, text: await answer.text() };
}

/** The most memory that a git of the forge has resident now. */
function largestGitMiB(): number {
  const sizes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(served.data);
        return isOurs && /^Name:\s+git$/m.test(status)
          ? Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
          : 0;
      } catch {
        // It has ended.
        return 0;
      }
    });
  return Math.max(0, ...sizes.filter((size) => !Number.isNaN(size)));
}

test(
  'D1: no page of a bomb that is there already takes long or much, and each says what it leaves out',
  { timeout: 400_000 },
  async () => {
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, largestGitMiB())), 100);
    try {
      const deep = 'd1/d1/d1/d1/d1/d1/d1/d1/d1/d1';
      const pages: [path: string, status: number, said: RegExp][] = [
        [`/commit/${bomb}`, 200, /too large to show whole/],
        ['/compare/main...bomb', 200, /too large to show whole/],
        [`/commits/bomb/${deep}`, 200, /Bomb/],
        [`/commits/bomb/${deep}?follow=1`, 200, /Bomb/],
        [`/blame/bomb/${deep}`, 200, /boom/],
        ['/tree/bomb', 200, /d1/],
        ['/tree/bomb?with=commits', 200, /d1/],
        ['/search/bomb?q=boom', 200, /boom/],
        ['/search/bomb?in=names&q=d1', 200, /d1/],
        ['/archive/bomb.zip', 413, /files/],
        ['/archive/bomb.tar.gz', 413, /files/],
      ];
      for (const [path, status, said] of pages) {
        const start = performance.now();
        const answer = await page(`/ada/app${path}`);
        const took = performance.now() - start;
        expect(answer.status, path).toBe(status);
        expect(said.test(answer.text), path).toBe(true);
        expect(took, path).toBeLessThan(pageMs);
      }
      await expect
        .poll(async () => (await page('/ada/app/branches/1')).status, { timeout: 60_000 })
        .toBe(200);
      for (const [tab, said] of [
        ['changes', /too large to show whole/],
        ['commits', /Bomb/],
        ['ci', /CI/],
      ] as const) {
        const answer = await page(`/ada/app/branches/1?tab=${tab}`);
        expect(answer.status, tab).toBe(200);
        expect(said.test(answer.text), tab).toBe(true);
      }
      // The tutorial is made beside the pages, and ends with what was too much.
      await expect
        .poll(async () => (await page('/ada/app/branches/1?tab=tutorial')).text, { timeout: 90_000 })
        .toMatch(/more memory than it may take|took too long/);
    } finally {
      clearInterval(watch);
    }
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(gitMiB);
    const status = readFileSync(`/proc/${served.pid}/status`, 'utf8');
    expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024).toBeLessThan(forgeMiB);
  },
);

test('D1: a lane gets no checkout of it, and the disk is not filled', { timeout: 180_000 }, async () => {
  const folder = join(served.folder, 'attempt');
  const objects = join(repo, 'objects');
  const searchPath = process.env['PATH'] ?? '';
  const made = makeCheckout({
    folder,
    commit: bomb,
    objects,
    shownObjects: objects,
    searchPath,
    cookie: 'bomb.1-1.',
    maxTreeFiles: 1_000_000,
  });
  await expect(made).rejects.toThrow(/has \d[\de+.]* files, more than the 1000000 that a lane may have/);
  expect(readdirSync(join(folder, 'work'))).toEqual(['.git']);
});
