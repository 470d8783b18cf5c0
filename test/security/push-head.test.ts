// A6, D2: what stands before the pack of a push. git keeps it all in memory, and takes signed pushes unasked.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { resolveBranch } from '../../src/git/refs.ts';
import type { Repo } from '../../src/repos/model.ts';
import { useForge, type TestForge } from '../support/forge.ts';
import { serveGit, type GitServer, type Person } from '../support/git-server.ts';
import { runProgram } from '../support/run-program.ts';
import { sshArguments } from '../support/ssh.ts';

const open = useForge();
const zeros = '0'.repeat(40);
const capabilities = 'report-status side-band-64k push-options agent=hand';

const pkt = (text: string): string => (text.length + 4).toString(16).padStart(4, '0') + text;

/** The pack of no objects. */
function emptyPack(): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  return Buffer.concat([head, createHash('sha1').update(head).digest()]);
}

interface Staged {
  it: TestForge;
  server: GitServer;
  ada: Person;
  repo: Repo;
  head: string;
}

async function stage(settings: Record<string, number> = {}): Promise<Staged> {
  const it = await open({ settings: { limits: settings } });
  const server = await serveGit(it);
  const ada = await server.person('ada');
  const repo = await it.repo('ada/app', { files: { a: '1\n' } });
  const head = (await resolveBranch(it.forge.git, it.repoFolder(repo), 'main'))!;
  return { it, server, ada, repo, head };
}

/** Sends the bytes as a push, as they are, and answers what came back. */
async function send(way: 'SSH' | 'HTTP', { server, ada }: Staged, body: Buffer): Promise<string> {
  if (way === 'SSH') {
    const argv = [...sshArguments(ada.key, server.sshPort), 'git@127.0.0.1', 'git-receive-pack /ada/app'];
    const { stdout, stderr } = await runProgram(argv, { cwd: ada.home, env: ada.env, input: body });
    return stdout + stderr;
  }
  const answer = await fetch(`${server.http}/ada/app.git/git-receive-pack`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: {
      Authorization: `Bearer ${ada.token()}`,
      'Content-Type': 'application/x-git-receive-pack-request',
    },
  });
  return answer.text();
}

const branches = (staged: Staged): Promise<string | undefined> =>
  resolveBranch(staged.it.forge.git, staged.it.repoFolder(staged.repo), 'new');

const refusals = ({ it }: Staged): unknown[] =>
  it.forge.db.all("SELECT action FROM audit WHERE action = 'push.refuse'");

for (const way of ['SSH', 'HTTP'] as const) {
  test(`a signed push over ${way} is refused by git itself, and a made certificate by the forge`, async () => {
    const staged = await stage();
    const { server, ada, head } = staged;
    const url = way === 'SSH' ? server.sshUrl('ada/app') : server.httpUrl('ada/app', ada.token());
    await ada.git('pull', '--quiet', url, 'main');
    const signed = await ada.tryGit('push', '--signed=yes', url, 'HEAD:refs/heads/new');
    expect(signed.stderr).toContain('does not support --signed push');
    expect((await ada.tryGit('push', '--signed=if-asked', url, 'HEAD:refs/heads/asked')).status).toBe(0);
    const certificate = [
      `push-cert\0${capabilities}`,
      'certificate version 0.1\n',
      'pusher Ada <ada@example.org> 1767225600 +0000\n',
      '\n',
      `${zeros} ${head} refs/heads/new\n`,
      '-----BEGIN PGP SIGNATURE-----\n',
      'push-cert-end\n',
    ];
    const body = Buffer.concat([Buffer.from(`${certificate.map(pkt).join('')}0000`), emptyPack()]);
    const said = await send(way, staged, body);
    expect(said).toContain('Signed pushes are not taken here. Push without --signed');
    expect(await branches(staged)).toBeUndefined();
    expect(refusals(staged)).toHaveLength(1);
  });

  test(`A6: push options over ${way} are taken up to a limit, and what is refused says it in a remote line`, async () => {
    const staged = await stage({ maxPushOptions: 3, maxPushOptionBytes: 1000 });
    const { server, ada } = staged;
    const url = way === 'SSH' ? server.sshUrl('ada/app') : server.httpUrl('ada/app', ada.token());
    await ada.git('pull', '--quiet', url, 'main');
    const push = (...options: string[]) =>
      ada.tryGit('push', ...options.flatMap((option) => ['-o', option]), url, 'HEAD:refs/heads/new');
    const many = await push('a', 'b', 'c', 'd');
    expect(many.status).not.toBe(0);
    expect(many.stderr).toContain(
      'remote: pika-git: At most 3 push options of 1000 bytes together are taken.',
    );
    expect(many.stderr).toContain('refused by the forge');
    expect((await push('x'.repeat(1001))).stderr).toContain('At most 3 push options');
    expect(await branches(staged)).toBeUndefined();
    expect(refusals(staged)).toHaveLength(2);
    expect(await push('PATH=/tmp;id', '$(id)', 'X: y')).toMatchObject({ status: 0 });
    expect(await branches(staged)).toBeDefined();
  });

  test(`D2: a push over ${way} of more refs than are taken is refused before git sees the rest`, async () => {
    const staged = await stage({ maxRefsPerPush: 5 });
    const { server, ada } = staged;
    const url = way === 'SSH' ? server.sshUrl('ada/app') : server.httpUrl('ada/app', ada.token());
    await ada.git('pull', '--quiet', url, 'main');
    // A pack to be thrown away stands behind the list.
    await ada.commit('More', { 'b.txt': 'x'.repeat(100_000) });
    const refs = ['new', '1', '2', '3', '4', '5'].map((name) => `HEAD:refs/heads/${name}`);
    const refused = await ada.tryGit('push', url, ...refs);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('remote: pika-git: At most 5 refs are taken in one push.');
    expect(await branches(staged)).toBeUndefined();
    expect((await ada.tryGit('push', url, ...refs.slice(0, 5))).status).toBe(0);
  });

  test(`D2: what is not in the form of a push over ${way} is refused, however it is cut`, async () => {
    const staged = await stage();
    const { head } = staged;
    const command = `${zeros} ${head} refs/heads/new`;
    for (const bytes of [
      'garbage!',
      '0003',
      'ffff',
      // Options announced behind the second command count as well: git reads them there too.
      `${pkt(`${zeros} ${head} refs/heads/x`)}${pkt(`${command}\0push-options`)}0000${pkt('o').repeat(99)}`,
      `${pkt(`${command}\0 push-options=1`)}0000${pkt('o').repeat(99)}`,
      `${pkt(`push-cert\n\0${capabilities}`)}0000`,
      pkt(`shallow ${head}`).repeat(90_000),
    ]) {
      const said = await send(way, staged, Buffer.from(bytes));
      expect(said, bytes.slice(0, 100)).toMatch(/not in the form|At most|Signed pushes|too long/);
    }
    expect(await branches(staged)).toBeUndefined();
    const cut = `${pkt(`${command}\0${capabilities}`)}0000${pkt('one option')}0000`;
    await send(way, staged, Buffer.concat([Buffer.from(cut), emptyPack()]));
    expect(await branches(staged)).toBe(head);
  });
}
