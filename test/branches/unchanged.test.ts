// What the scan that comes every minute may leave unasked: as long as refs and rows say what they said, no git.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scanRepo } from '../../src/branches/scan.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { useForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';

const open = useForge();
const minute = 60_000;

async function stage() {
  const clock = new SettableClock();
  const testForge = await open({ clock });
  const { forge } = testForge;
  const repo = await testForge.repo('ada/app', { files: { a: 'a' } });
  const place = testForge.repoFolder(repo);
  const push = (content: string): Promise<string> =>
    pushFiles(forge.git, { repo: place, branch: 'topic', files: { b: content } });
  const head = await push('one');
  const look = (): Promise<void> => scanRepo(forge, repo, { ifChanged: true });
  const row = () =>
    forge.db.get<{ head: string; broken: string | null }>(
      "SELECT head_oid AS head, broken_reason AS broken FROM branches WHERE name = 'topic'",
    );
  /** Answers how it is brought back. */
  const lose = (): (() => void) => {
    const file = join(place, 'objects', head.slice(0, 2), head.slice(2));
    renameSync(file, `${file}-away`);
    return () => renameSync(`${file}-away`, file);
  };
  return { ...testForge, clock, repo, place, head, look, row, push, lose };
}

test('a branch that moved is seen, and so is one that came or went', async () => {
  const { forge, place, head, look, row, push } = await stage();
  await look();
  expect(row()).toEqual({ head, broken: null });
  await look();
  const moved = await push('two');
  await look();
  expect(row()?.head).toBe(moved);
  await look();
  await forge.git.run(['update-ref', '-d', 'refs/heads/topic'], { repo: place });
  await look();
  expect(forge.db.get("SELECT state FROM branches WHERE name = 'topic'")).toEqual({ state: 'closed' });
});

test('a branch that moved is seen also where every ref is packed, before and after', async () => {
  const { forge, place, look, row, push } = await stage();
  const pack = () => forge.git.run(['pack-refs', '--all'], { repo: place });
  await pack();
  await look();
  await look();
  const moved = await push('two');
  await pack();
  await look();
  expect(row()?.head).toBe(moved);
});

test('a row that says another thing than its ref is mended, although no ref moved', async () => {
  const { forge, head, look, row } = await stage();
  await look();
  await look();
  forge.db.run("UPDATE branches SET head_oid = :other WHERE name = 'topic'", { other: '1'.repeat(40) });
  await look();
  expect(row()?.head).toBe(head);
});

test('what is broken is looked at every time, so that it recovers by itself', async () => {
  const { forge, look, row } = await stage();
  await look();
  await look();
  forge.db.run("UPDATE branches SET broken_reason = 'not comparable' WHERE name = 'topic'");
  await look();
  expect(row()?.broken).toBeNull();
});

test('a commit that is lost while nothing moves is found after half an hour, or by a scan of everything', async () => {
  const { forge, repo, clock, look, row, lose } = await stage();
  await look();
  await look();
  const bringBack = lose();
  await look();
  expect(row()?.broken).toBeNull();
  clock.advance(31 * minute);
  await look();
  expect(row()?.broken).toMatch(/missing/);
  bringBack();
  await look();
  expect(row()?.broken).toBeNull();
  lose();
  await scanRepo(forge, repo);
  expect(row()?.broken).toMatch(/missing/);
});
