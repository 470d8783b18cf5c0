// How long a sync takes to a repository of git on this machine, by how many refs it has to bring there and by its way, and
// how long after a merge it stands at the mirror, in a forge that runs by itself.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { defaultPatterns } from '../../src/mirror/model.ts';
import { openMirrors } from '../../src/mirror/open.ts';
import { addMirror } from '../../src/mirror/set-mirror.ts';
import { startBackend, type Backend } from '../support/foreign-http.ts';
import { openTestForge } from '../support/forge.ts';
import { pushFiles } from '../support/push-files.ts';
import { pushProject } from '../support/sample-project.ts';
import { disposeServed, startForge } from '../support/serve.ts';
import { inMs, median, quantile, timed, type Figure } from './measure.ts';

const sizes = [1, 100, 10_000];
const rounds = 5;
const merges = 25;
const memory = '/dev/shm';
const mirror = { allowedSchemes: ['http'] as const, allowedRanges: ['127.0.0.1'] };

export async function measureMirror(): Promise<Figure[]> {
  // What the disk of somebody else's server takes is not the forge's to measure.
  const backend = await startBackend(existsSync(memory) ? { below: memory } : {});
  try {
    const figures: Figure[] = [];
    for (const over of ['a folder', 'HTTP'] as const)
      for (const size of sizes) figures.push(await measureSync(backend, { size, over }));
    figures.push(await measureMergeToMirror(backend));
    return figures;
  } finally {
    await backend.stop();
  }
}

interface Syncs {
  size: number;
  over: 'a folder' | 'HTTP';
}

/** Every round moves all of the branches to a commit of its own, by force; nothing is left out. */
async function measureSync(backend: Backend, { size, over }: Syncs): Promise<Figure> {
  const it = await openTestForge({ settings: { mirror: { ...mirror, allowedSchemes: ['file', 'http'] } } });
  try {
    const { forge } = it;
    const { caller } = it.account('ada');
    const repo = await it.repo('ada/app', { files: { 'a.txt': 'a\n' } });
    const folder = it.repoFolder(repo);
    const mirrors = await openMirrors(forge);
    it.defer(() => mirrors.stop());
    const name = `sync-${size}-${over === 'HTTP' ? 'http' : 'folder'}.git`;
    const http = await backend.repo(name);
    const far = join(backend.folder, name);
    await forge.git.run(['config', 'core.fsync', 'none'], { repo: far });
    const base = {
      patterns: defaultPatterns,
      credential: { kind: 'none' as const },
      statuses: '',
      active: true,
    };
    addMirror(forge, {
      repo,
      caller,
      request: { ...base, name: 'there', url: over === 'HTTP' ? http : far },
    });
    mirrors.start();
    await mirrors.settled();
    const times: number[] = [];
    for (let round = 0; round < (size > 1000 ? 3 : rounds); round += 1) {
      const oid = await pushFiles(forge.git, {
        repo: folder,
        branch: 'main',
        files: { 'a.txt': `${round}\n` },
      });
      const names = Array.from({ length: size }, (_, index) => `work/branch-${index}`);
      const input = names.map((branch) => `update refs/heads/${branch} ${oid}\n`).join('');
      await forge.git.run(['-c', 'core.fsync=none', 'update-ref', '--stdin'], { repo: folder, input });
      times.push(
        await timed(async () => {
          mirrors.ask(repo.id);
          await mirrors.settled();
        }),
      );
    }
    const failed = forge.db.all("SELECT message FROM mirror_syncs WHERE state <> 'done'");
    if (failed.length > 0) throw new Error(`${failed.length} syncs did not succeed`);
    return {
      what: `mirror: sync of ${size.toLocaleString('en')} refs over ${over}`,
      value: inMs(median(times)),
      how: `each moved, ${times.length} syncs; a bare repository in memory${over === 'HTTP' ? ' at git http-backend' : ''}; ls-remote, one atomic push, rows`,
    };
  } finally {
    await it.dispose();
  }
}

async function measureMergeToMirror(backend: Backend): Promise<Figure> {
  const served = await startForge({
    settings: '[mirror]\nallowedSchemes = ["http"]\nallowedRanges = ["127.0.0.1"]\n',
  });
  try {
    const ada = await served.person('ada', 'admin');
    const token = await served.token('ada', 'admin');
    const ask = async (path: string, body: unknown): Promise<void> => {
      const response = await fetch(`${served.http}/api/v1/repos/ada/app${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (!response.ok)
        throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    };
    await pushProject(served, { client: ada, repo: 'ada/app', files: { 'a.txt': 'a\n' } });
    await backend.repo('merges.git');
    const far = join(backend.folder, 'merges.git/refs/heads/main');
    await ask('/mirrors', { name: 'there', url: `http://127.0.0.1:${backend.port}/merges.git` });
    const heads: string[] = [];
    for (let number = 1; number <= merges; number += 1) {
      await ada.git('switch', '--quiet', '--create', `work-${number}`, 'main');
      heads.push(await ada.commit(`Work ${number}`, { [`work-${number}.txt`]: `${number}\n` }));
    }
    await ada.git('push', '--quiet', 'origin', ...heads.map((_, place) => `work-${place + 1}`));
    const times: number[] = [];
    let before = await untilOther(far, '');
    for (const [place, head] of heads.entries()) {
      // Lanes are not asked for, so that nothing is measured but the merge's way.
      await ask(`/branches/${place + 1}/merge`, { head });
      const start = performance.now();
      before = await untilOther(far, before);
      times.push(performance.now() - start);
    }
    return {
      what: 'merge → mirrored, p50 and p95',
      value: `${inMs(median(times))}, ${inMs(quantile(times, 0.95))}`,
      how: `${merges} merges by API, one after the other; from the answer to the moved ref at git http-backend on loopback`,
    };
  } finally {
    await disposeServed(served);
  }
}

/** What stands in the file when it is no longer what stood there. */
async function untilOther(file: string, before: string): Promise<string> {
  for (;;) {
    const now = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (now !== before && now !== '') return now;
    await setTimeout(1);
  }
}
