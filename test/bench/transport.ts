// Clone and push through the forge, beside plain git over the same transport on the same repository.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GitClient } from '../support/git-client.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { inMs, median, timed, type Figure } from './measure.ts';
import { servePlainHttp, servePlainSsh, type PlainServer } from './plain-servers.ts';

const turns = 9;
const fileCount = 1500;
const fileBytes = 12_000;

export async function measureTransport(): Promise<Figure[]> {
  const served = await startForge();
  const stops: (() => Promise<void>)[] = [];
  try {
    const ada = await served.person('ada', 'admin');
    writeContent(ada);
    await ada.commit('Start', {});
    await ada.git('push', '--quiet', `ssh://git@${served.ssh}/demo/app.git`, 'main');
    const plainFolder = join(served.folder, 'plain');
    const bare = join(plainFolder, 'app.git');
    mkdirSync(plainFolder);
    // By a push, as the forge got it: then both serve the same kind of pack.
    await ada.git('init', '--quiet', '--bare', '--initial-branch=main', bare);
    await ada.git('push', '--quiet', bare, 'main');

    const http = await servePlainHttp(plainFolder);
    stops.push(http.stop);
    const ssh = await servePlainSsh(served.folder, { key: ada.key, repo: bare });
    if (ssh !== undefined) stops.push(ssh.stop);
    return await measureAll(served, { ada, bare, http, ssh });
  } finally {
    for (const stop of stops) await stop();
    await disposeServed(served);
  }
}

interface Plain {
  ada: GitClient;
  bare: string;
  http: PlainServer;
  ssh: PlainServer | undefined;
}

async function measureAll(served: ServedForge, { ada, bare, http, ssh }: Plain): Promise<Figure[]> {
  const token = await served.token('ada');
  const forgeHttp = `http://ada:${token}@${new URL(served.http).host}/demo/app.git`;
  const forgeSsh = `ssh://git@${served.ssh}/demo/app.git`;
  const sshName = ssh === undefined ? 'a local path' : 'sshd';
  const pairs = [
    { transport: 'SSH', forge: forgeSsh, plain: ssh?.url ?? `file://${bare}`, beside: sshName },
    { transport: 'HTTP', forge: forgeHttp, plain: `${http.url}/app.git`, beside: 'git http-backend' },
  ];
  const figures: Figure[] = [];
  for (const { transport, forge, plain, beside } of pairs) {
    const size = `${fileCount} files, ${Math.round((fileCount * fileBytes) / 1e6)} MB; ${turns} turns`;
    for (const [what, measure] of [
      ['clone', timeClone],
      ['push', timePush],
    ] as const) {
      const ours: number[] = [];
      const theirs: number[] = [];
      // In turns, so that a busy machine slows both.
      for (let turn = 0; turn < turns; turn += 1) {
        ours.push(await measure(ada, forge));
        theirs.push(await measure(ada, plain));
      }
      const ratio = (median(ours) / median(theirs)).toFixed(2);
      const value = `${inMs(median(ours))} (${beside}: ${inMs(median(theirs))} = ${ratio} ×)`;
      figures.push({
        what: `${what} over ${transport}`,
        value,
        how: what === 'clone' ? size : `one commit; ${turns} turns`,
      });
    }
  }
  return figures;
}

async function timeClone(client: GitClient, url: string): Promise<number> {
  const target = join(client.home, 'clone');
  const duration = await timed(() => client.git('clone', '--quiet', '--bare', url, target));
  rmSync(target, { recursive: true });
  return duration;
}

let counter = 0;

async function timePush(client: GitClient, url: string): Promise<number> {
  counter += 1;
  // Each on top of main, as a branch begins; a chain of unmerged pushes would grow with the turns.
  await client.git('switch', '--quiet', '--force-create', 'push', 'main');
  await client.commit(`Change ${counter}`, { 'counter.txt': `${counter}\n` });
  return timed(() => client.git('push', '--quiet', url, `HEAD:refs/heads/push-${counter}`));
}

/** Text that does not compress to nothing, the same in every turn. */
function writeContent(client: GitClient): void {
  let seed = 1;
  const next = (): number => (seed = (seed * 48_271) % 2_147_483_647);
  for (let file = 0; file < fileCount; file += 1) {
    const folder = join(client.checkout, `folder-${file % 40}`);
    mkdirSync(folder, { recursive: true });
    let text = '';
    while (text.length < fileBytes) text += `${next().toString(36)} ${next().toString(36)}\n`;
    writeFileSync(join(folder, `file-${file}.txt`), text);
  }
}
