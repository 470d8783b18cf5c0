// A backup of a forge that people push to all the time, the loss of the machine, and a forge brought back from the folder.
import { readdirSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { runProgram } from '../support/run-program.ts';
import { pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';

const startForge = useServedForge();
/** All of them fit on one page of the list. */
const branches = 40;

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

test(
  'every push that was answered before a backup began is in it; a forge that dies in the next one is brought back from it',
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
    const first = JSON.parse(made.stdout) as { name: string };
    expect(first).toMatchObject({ ok: true, repositories: 1, problems: [] });
    const then = await served(ada);

    // The machine dies in the middle of the next backup, and its disk with it.
    const begun = Promise.withResolvers<void>();
    const watcher = watch(join(vault, 'backups'), () => begun.resolve());
    const asked = forge.operate('backup', vault);
    await begun.promise;
    await forge.kill();
    watcher.close();
    await asked;
    rmSync(forge.data, { recursive: true });
    const verified = await forge.operate('backup', 'verify', vault, '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });

    const restored = await forge.operate('restore', vault, '--backup', first.name, '--json');
    expect(restored.stderr).toBe('');
    expect(JSON.parse(restored.stdout)).toMatchObject({ ok: true, problems: [] });
    await forge.restart();
    const now = await served(ada);
    for (const name of before) expect(now.get(name), name).toBe(then.get(name));
    for (const [name, oid] of now) expect(then.get(name), name).toBe(oid);
    const { stdout } = await forge.operate('doctor', '--json');
    const { findings } = JSON.parse(stdout) as { findings: { level: string }[] };
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);

    // It goes on where it was: credentials of before are good, a push is a branch, and so is the next backup.
    await ada.git('push', '--quiet', 'origin', `b${branches - 1}`);
    const list = await fetch(`${forge.http}/api/v1/repos/demo/app/branches`, {
      headers: { authorization: `Bearer ${tokenOf(await ada.git('remote', 'get-url', 'origin'))}` },
    });
    const { branches: rows } = (await list.json()) as { branches: { name: string }[] };
    const names = rows.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...before, `b${branches - 1}`]));
    expect(await forge.operate('backup', vault)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(vault, 'backups')).filter((name) => name.startsWith('.'))).toEqual([]);
  },
);

const tokenOf = (url: string): string => new URL(url).password;
