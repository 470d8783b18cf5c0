// A backup of a forge that people push to all the time, the loss of the machine, and a forge brought back from the folder.
import { existsSync, mkdirSync, readdirSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { runProgram } from '../support/run-program.ts';
import { pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
const branches = 60;

/** A repository with main, and as many branches in ada's checkout as a test may want to push; `origin` is over HTTP. */
async function openProject(served: ServedForge): Promise<GitClient> {
  const ada = await served.person('ada', 'admin');
  await pushProject(served, { client: ada, repo: 'demo/app', files: { 'a.txt': 'a\n' } });
  const token = await served.token('ada');
  const { host } = new URL(served.http);
  await ada.git('remote', 'set-url', 'origin', `http://ada:${token}@${host}/demo/app.git`);
  const names = Array.from({ length: branches }, (_, index) => `b${index}`);
  const commits = names.map(
    (name) =>
      `commit refs/heads/${name}\ncommitter A <a@example.org> 1767225600 +0000\ndata 1\nx\nfrom refs/heads/main^0\n` +
      `M 644 inline ${name}.txt\ndata ${name.length}\n${name}\n\n`,
  );
  const input = commits.join('');
  const made = await runProgram(['git', 'fast-import', '--quiet'], {
    cwd: ada.checkout,
    env: ada.env,
    input,
  });
  expect(made).toMatchObject({ status: 0 });
  return ada;
}

/** Name → object id of the branches that the forge serves. */
async function served(ada: GitClient): Promise<Map<string, string>> {
  const lines = (await ada.git('ls-remote', '--heads', 'origin')).split('\n');
  return new Map(lines.map((line) => [line.slice(52), line.slice(0, 40)]));
}

async function findings(forge: ServedForge): Promise<unknown[]> {
  const { stdout } = await forge.operate('doctor', '--json');
  const parsed = JSON.parse(stdout) as { findings: { level: string }[] };
  return parsed.findings.filter(({ level }) => level !== 'ok');
}

test(
  'every push that was answered before a backup began is in it, and the forge that is brought back is sound',
  { timeout: 180_000 },
  async () => {
    const forge = await startForge();
    const ada = await openProject(forge);
    const answered: string[] = [];
    const rest = Array.from({ length: branches - 1 }, (_, index) => `b${index}`);
    const pushOn = async (): Promise<void> => {
      for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
        const pushed = await ada.tryGit('push', '--quiet', 'origin', name);
        expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
        answered.push(name);
      }
    };
    const pushing = Promise.all([pushOn(), pushOn()]);
    await expect.poll(() => answered.length).toBeGreaterThan(4);
    const before = [...answered];
    const vault = join(forge.folder, 'vault');
    const made = await forge.operate('backup', vault, '--json');
    rest.length = 0;
    await pushing;
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({ ok: true, repositories: 1, problems: [] });
    const then = await served(ada);

    await forge.kill();
    rmSync(forge.data, { recursive: true });
    const restored = await forge.operate('restore', vault, '--json');
    expect(restored.stderr).toBe('');
    expect(JSON.parse(restored.stdout)).toMatchObject({ ok: true, problems: [] });
    await forge.restart();
    const now = await served(ada);
    for (const name of before) expect(now.get(name), name).toBe(then.get(name));
    for (const [name, oid] of now) expect(then.get(name), name).toBe(oid);
    expect(await findings(forge)).toEqual([]);
    const token = await forge.token('ada', 'read');
    const list = await fetch(`${forge.http}/api/v1/repos/demo/app/branches`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { branches: rows } = (await list.json()) as { branches: { name: string }[] };
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(before.slice(0, 5)));
    // It goes on where it was: the credentials of before are good, and so is the next push.
    await ada.git('push', '--quiet', 'origin', `b${branches - 1}`);
  },
);

test(
  'a forge that is killed while it makes a backup leaves no half one, and the next is whole',
  { timeout: 180_000 },
  async () => {
    const forge = await startForge();
    const ada = await openProject(forge);
    const vault = join(forge.folder, 'vault');
    expect(await forge.operate('backup', vault)).toMatchObject({ status: 0 });
    await ada.git('push', '--quiet', 'origin', 'b1', 'b2', 'b3');
    const begun = Promise.withResolvers<void>();
    const watcher = watch(join(vault, 'backups'), () => begun.resolve());
    const asked = forge.operate('backup', vault);
    await begun.promise;
    await forge.kill();
    watcher.close();
    await asked;
    const verified = await forge.operate('backup', 'verify', vault, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });

    await forge.restart();
    expect(await forge.operate('backup', vault)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(vault, 'backups')).filter((name) => name.startsWith('.'))).toEqual([]);
    const listed = await forge.operate('backup', 'list', vault, '--json');
    const { backups } = JSON.parse(listed.stdout) as { backups: { name: string; problems: string[] }[] };
    expect(backups.length).toBeGreaterThanOrEqual(2);
    const elsewhere = join(forge.folder, 'elsewhere');
    mkdirSync(elsewhere);
    const restored = await forge.operate('restore', vault, '--data', join(elsewhere, 'data'));
    // `--data` stands twice, and the last one, the forge's own folder, is not empty.
    expect(restored).toMatchObject({ status: 1, stderr: expect.stringContaining('is not empty') });
    expect(existsSync(join(elsewhere, 'data'))).toBe(false);
  },
);
