// The life of a sync: who may have one, what follows it, and how it ends against servers that fail, hang, hold back or are gone.
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { changeMirror } from '../../src/mirror/set-mirror.ts';
import { mirrorTrouble } from '../../src/mirror/trouble.ts';
import { startBackend, type Backend } from '../support/foreign-http.ts';
import { useForge } from '../support/forge.ts';
import { mirrorSettings, stageMirror, start } from './stage-mirror.ts';

const open = useForge();
const token = 'ghp_0123456789abcdefXYZ';
const minute = 60_000;

let backend: Backend;
/** What the server does in the place of git, for the test that runs. */
let instead: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;

beforeAll(async () => {
  backend = await startBackend({ token, instead: (request, response) => instead(request, response) });
});
afterAll(() => backend.stop());

let repositories = 0;

async function stage(settings: Record<string, unknown> = {}) {
  instead = () => false;
  const clock = new SettableClock();
  const it = await open({ clock, settings: { mirror: { ...mirrorSettings.mirror, ...settings } } });
  const staged = await stageMirror(it, clock);
  repositories += 1;
  const url = await backend.repo(`app-${repositories}.git`);
  const credential = { kind: 'token' as const, token, user: 'git' };
  const folder = `${backend.folder}/app-${repositories}.git`;
  const there = async (): Promise<string | undefined> => {
    const text = await it.forge.git.text(['for-each-ref', '--format=%(objectname)', 'refs/heads/main'], {
      repo: folder,
    });
    return text === '' ? undefined : text;
  };
  return { ...staged, url, there, addOverHttp: () => staged.add('there', url, { credential }) };
}

/** Holds requests back until it is opened. */
function gate(isHeld: (request: IncomingMessage) => boolean) {
  const reached = Promise.withResolvers<void>();
  const waiting: (() => void)[] = [];
  let isOpen = false;
  instead = (request, response) => {
    if (isOpen || !isHeld(request)) return false;
    reached.resolve();
    waiting.push(() => {
      // Asked for once more by git, which then is let through.
      response.writeHead(503).end();
    });
    return true;
  };
  return {
    reached: reached.promise,
    open: () => {
      isOpen = true;
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

const isList = ({ url = '' }: IncomingMessage): boolean => url.includes('service=git-upload-pack');

describe('one sync at a time', () => {
  test('a second one that is asked for is refused, and what changes meanwhile follows by itself', async () => {
    const { clock, account, repo, mirrors, mirror, addOverHttp, push, there, syncs } = await stage();
    const held = gate(isList);
    addOverHttp();
    mirrors.look();
    await held.reached;
    expect(() => mirrors.syncNow(mirror('there'), account.id)).toThrow(/is synced right now/);
    const newest = await push('main', 'while it runs');
    mirrors.ask(repo.id);
    held.open();
    await mirrors.settled();
    clock.advance(minute);
    mirrors.look();
    await mirrors.settled();
    expect(await there()).toBe(newest);
    expect(mirror('there')).toMatchObject({ wantedAt: undefined, failures: 0, leaseUntil: undefined });
    const sync = mirrors.syncNow(mirror('there'), account.id);
    expect(sync).toMatchObject({ cause: 'manual', state: 'running', accountName: 'ada' });
    await mirrors.settled();
    expect(syncs('there')[0]).toMatchObject({ id: sync.id, state: 'done' });
  });

  test('that runs with old settings writes nothing more, and the new ones are in force at once', async () => {
    const { forge, repo, caller, mirrors, addOverHttp, far, git, row, syncs } = await stage();
    const held = gate(isList);
    addOverHttp();
    mirrors.look();
    await held.reached;
    const other = await far('other');
    const change = { url: other.folder, credential: { kind: 'none' as const } };
    changeMirror(forge, { repo, caller, name: 'there', change });
    mirrors.look();
    await mirrors.settled();
    held.open();
    const main = await git('rev-parse', 'refs/heads/main');
    expect(await other.refs()).toEqual({ 'refs/heads/main': main });
    expect(row('there', 'refs/heads/main')).toMatchObject({ state: 'in-step', oursOid: main });
    expect(syncs('there').map(({ state }) => state)).toEqual(['done', 'interrupted']);
  });
});

describe('a server', () => {
  test('that fails is tried later and later, and stays wanted until it has everything', async () => {
    const { forge, clock, mirrors, mirror, addOverHttp, push, there, tell, syncs } = await stage({
      retrySeconds: 60,
    });
    instead = (request, response) => {
      request.resume();
      response.writeHead(502).end('bad gateway');
      return true;
    };
    addOverHttp();
    await tell();
    expect(mirror('there')).toMatchObject({ failures: 1, problem: expect.stringContaining('502') });
    expect(mirror('there').wanted).toBeGreaterThan(mirror('there').done);
    await tell();
    expect(syncs('there')).toHaveLength(1);
    clock.advance(61_000);
    await tell();
    expect(mirror('there').failures).toBe(2);
    clock.advance(61_000);
    await tell();
    expect(mirror('there').failures).toBe(2);
    expect(mirrorTrouble(forge, 10)).toEqual([]);
    clock.advance(minute);
    await tell();
    expect(mirrorTrouble(forge, 10)).toMatchObject([
      {
        what: expect.stringMatching(/there of ada\/app failed 3 times.*502/),
        link: '/ada/app/mirrors/there',
      },
    ]);
    instead = () => false;
    const newest = await push('main', 'later');
    clock.advance(4 * minute);
    mirrors.look();
    await mirrors.settled();
    expect(await there()).toBe(newest);
    expect(mirror('there')).toMatchObject({ failures: 0, problem: undefined, wantedAt: undefined });
    expect(mirrorTrouble(forge, 10)).toEqual([]);
  });

  test('that never answers is given up, and no program of it is left', async () => {
    const { it, mirror, addOverHttp, tell } = await stage({ timeoutSeconds: 1 });
    let asked = 0;
    instead = () => {
      asked += 1;
      return true;
    };
    addOverHttp();
    await tell();
    expect(asked).toBeGreaterThan(0);
    expect(mirror('there')).toMatchObject({ failures: 1, problem: 'The remote took longer than 1 seconds.' });
    expect(programsWith(it.folder).filter((command) => command.includes('ls-remote'))).toEqual([]);
  });

  test('that hangs again and again leaves a place to those that do well', async () => {
    const { clock, repo, mirrors, mirror, add, far, push, tell, url } = await stage({ maxSyncing: 2 });
    for (const name of ['one', 'two', 'three']) add(name, url.replace('app-', 'never-'));
    const there = await far('there');
    add('well', there.folder);
    await tell();
    expect(mirror('one').failures).toBe(1);
    clock.advance(minute);
    const held = gate(isList);
    const newest = await push('main', 'newest');
    mirrors.ask(repo.id);
    await held.reached;
    await expect.poll(there.refs).toEqual({ 'refs/heads/main': newest });
    held.open();
    await mirrors.settled();
  });

  test('that ends in the middle of a push is asked what arrived', async () => {
    const { clock, mirrors, mirror, addOverHttp, git, there, tell } = await stage();
    instead = ({ method, url = '', socket }) => {
      if (method !== 'POST' || !url.endsWith('git-receive-pack')) return false;
      socket.destroy();
      return true;
    };
    addOverHttp();
    await tell();
    expect(mirror('there').failures).toBe(1);
    instead = () => false;
    clock.advance(minute);
    mirrors.look();
    await mirrors.settled();
    expect(await there()).toBe(await git('rev-parse', 'refs/heads/main'));
    expect(mirror('there').failures).toBe(0);
  });

  test('that does not know the repository, or not the token, is said to', async () => {
    const { add, url, tell, mirror } = await stage();
    add('gone', url.replace('app-', 'never-'), { credential: { kind: 'token', token, user: 'git' } });
    add('locked', url, { credential: { kind: 'token', token: 'another-token', user: 'git' } });
    await tell();
    expect(mirror('gone').problem).toContain('no repository at this address');
    expect(mirror('locked').problem).toContain('does not take the credential');
    expect(mirror('locked').problem).not.toContain('another-token');
  });
});

test('a token stands in no command line, environment, row, log or message', async () => {
  const { it, forge, clock, mirrors, addOverHttp, there } = await stage();
  const logged = vi.spyOn(forge.log, 'error');
  const held = gate(isList);
  addOverHttp();
  mirrors.look();
  await held.reached;
  const running = programsWith(it.folder);
  expect(running.some((command) => command.includes('ls-remote'))).toBe(true);
  expect(running.filter((command) => command.includes(token))).toEqual([]);
  held.open();
  await mirrors.settled();
  clock.advance(minute);
  mirrors.look();
  await mirrors.settled();
  expect(await there()).toBeDefined();
  expect(JSON.stringify(recentAudit(forge, 100))).not.toContain(token);
  expect(JSON.stringify(logged.mock.calls)).not.toContain(token);
  const tables = ['mirror_remotes', 'mirror_syncs', 'mirror_refs'];
  const rows = tables.map((table) => forge.db.all(`SELECT * FROM ${table}`));
  expect(Buffer.from(JSON.stringify(rows)).includes(token)).toBe(false);
  // What git was given of it is gone with the sync.
  expect(readdirSync(`${forge.config.paths.gitHome}/remotes`)).toEqual([]);
});

test('a sync that a killed forge left is taken for interrupted, and done anew', async () => {
  const { it, forge, mirrors, add, far, mirror, syncs } = await stage();
  await mirrors.stop();
  const there = await far('there');
  add('there', there.folder);
  forge.db.run('UPDATE mirror_remotes SET token = 1, tried = wanted, lease_until = 9e15');
  forge.db.run(
    `INSERT INTO mirror_syncs (remote_id, token, generation, cause, state, started_at)
     SELECT id, 1, wanted, 'change', 'running', 0 FROM mirror_remotes`,
  );
  const again = await start(it);
  await again.settled();
  expect(syncs('there').map(({ state }) => state)).toEqual(['done', 'interrupted']);
  expect(mirror('there')).toMatchObject({ leaseUntil: undefined, failures: 0 });
  expect(Object.keys(await there.refs())).toEqual(['refs/heads/main']);
});

test('a change whose fact was lost is found by the next look at everything, which keeps so many syncs', async () => {
  const { clock, mirrors, add, far, push, tell, syncs } = await stage({ keepSyncs: 2 });
  const there = await far('there');
  add('there', there.folder);
  await tell();
  await tell();
  await tell();
  expect(syncs('there')).toHaveLength(3);
  const unheard = await push('main', 'unheard');
  clock.advance(11 * minute);
  mirrors.look();
  await mirrors.settled();
  expect(await there.refs()).toEqual({ 'refs/heads/main': unheard });
  // Two of before, and the one that found it.
  expect(syncs('there')).toHaveLength(3);
});

/** The command lines and environments of programs that belong to the test's forge. */
function programsWith(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  return pids
    .map((pid) => `${read(`/proc/${pid}/cmdline`)} ${read(`/proc/${pid}/environ`)}`)
    .filter((text) => text.includes(folder));
}
