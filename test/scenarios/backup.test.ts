// A backup of a forge that people push to all the time, the loss of the machine, and a forge brought back from the folder.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { runProgram } from '../support/run-program.ts';
import { pushProject } from '../support/sample-project.ts';
import { useServedForge, type ServedForge } from '../support/serve.ts';
import { makeCommit, WirePusher, type MadeCommit } from '../support/wire-push.ts';

const startForge = useServedForge();
/** Pushed by git. With those below they fit on one page of the list. */
const branches = 6;
/** Pushed by a client that starts no git, before the backup and all through it, as fast as the forge takes them. */
const pushesBefore = 16;
const pushesBeside = 24;
const atOnce = 4;

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

interface LivePush extends MadeCommit {
  name: string;
}

async function makePushes(ada: GitClient, names: readonly string[]): Promise<LivePush[]> {
  const tree = execFileSync('git', ['cat-file', 'tree', 'main^{tree}'], { cwd: ada.checkout, env: ada.env });
  const ground = { oid: await ada.git('rev-parse', 'main'), tree };
  return names.map((name) => ({ name, ...makeCommit(ground, { name, seconds: 1_767_225_600 }) }));
}

/** Puts the name and object id of each push that was answered ok into `answered`, at that moment. */
async function pushAll(
  wire: WirePusher,
  pushes: readonly LivePush[],
  answered: Map<string, string>,
): Promise<void> {
  const rest = [...pushes];
  const pushOn = async (): Promise<void> => {
    for (let push = rest.shift(); push !== undefined; push = rest.shift()) {
      await wire.push(`refs/heads/${push.name}`, push);
      answered.set(push.name, push.oid);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, pushOn));
}

/** Name → object id of the branches that the forge serves. */
async function served(ada: GitClient): Promise<Map<string, string>> {
  const lines = (await ada.git('ls-remote', '--heads', 'origin')).split('\n');
  return new Map(lines.map((line) => [line.slice(52), line.slice(0, 40)]));
}

test(
  'every push that was answered before a backup began is in it while others go on; a forge that dies in the next one is brought back from it',
  { timeout: 180_000 },
  async () => {
    const forge = await startForge();
    const ada = await openProject(forge);
    const names = Array.from({ length: pushesBefore + pushesBeside }, (_, index) => `live-${index}`);
    const pushes = await makePushes(ada, names);
    const wire = new WirePusher(await ada.git('remote', 'get-url', 'origin'));
    const answered = new Map<string, string>();
    const pushByGit = async (...some: string[]): Promise<void> => {
      for (const name of some) {
        const pushed = await ada.tryGit('push', '--quiet', 'origin', name);
        expect(pushed, pushed.stderr).toMatchObject({ status: 0 });
        answered.set(name, await ada.git('rev-parse', name));
      }
    };
    await Promise.all([pushAll(wire, pushes.slice(0, pushesBefore), answered), pushByGit('b0', 'b1')]);
    const before = new Map(answered);
    expect(before.size).toBe(pushesBefore + 2);
    const vault = join(forge.folder, 'vault');
    // As of a lane that began while the backup was made.
    const stray = join(forge.data, 'lanes/4711/1');
    mkdirSync(stray, { recursive: true });
    writeFileSync(join(stray, 'log'), 'of somebody else');
    const [made] = await Promise.all([
      forge.operate('backup', vault, '--json'),
      pushAll(wire, pushes.slice(pushesBefore), answered),
      pushByGit('b2', 'b3', 'b4'),
    ]);
    wire.close();
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
    expect(existsSync(stray)).toBe(false);
    await forge.restart();
    const now = await served(ada);
    for (const [name, oid] of before) expect(now.get(name), name).toBe(oid);
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
    const listed = rows.map(({ name }) => name);
    expect(listed).toEqual(expect.arrayContaining([...before.keys(), `b${branches - 1}`]));
    expect(await forge.operate('backup', vault)).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(vault, 'backups')).filter((name) => name.startsWith('.'))).toEqual([]);
  },
);

const tokenOf = (url: string): string => new URL(url).password;
