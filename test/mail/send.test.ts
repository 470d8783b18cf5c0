// What comes into an inbox reaches a real SMTP server: once, in one mail for each branch, and only where its reader asked
// for it.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { recentAudit } from '../../src/accounts/audit.ts';
import { identify, refuseForgery } from '../../src/accounts/guard.ts';
import type { Caller } from '../../src/accounts/model.ts';
import type { Branch } from '../../src/branches/model.ts';
import { readBranch } from '../../src/inbox/dismiss.ts';
import { lookAtBranch } from '../../src/inbox/look.ts';
import { inboxKinds, type InboxKind } from '../../src/inbox/model.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import { chooseMail, confirmMail, mailOf } from '../../src/mail/choose.ts';
import { mailState } from '../../src/mail/find.ts';
import { openMail } from '../../src/mail/open.ts';
import { mailPages } from '../../src/mail/pages.ts';
import { putMember } from '../../src/repos/store.ts';
import { startThread } from '../../src/reviews/comment.ts';
import { threadRequest } from '../../src/reviews/model.ts';
import { bodyParsers, createApp } from '../../src/web/app.ts';
import { answerErrors, notFound } from '../../src/web/errors.ts';
import { recordHead } from '../support/ci.ts';
import { useForge } from '../support/forge.ts';
import { openSmtpServer } from './smtp-server.ts';

const open = useForge();
const minute = 60_000;

/** `ana` owns a repository that `ben` pushes to. */
async function stage({
  refuse,
  settings = {},
}: { refuse?: (address: string) => string | undefined; settings?: Record<string, unknown> } = {}) {
  const server = await openSmtpServer(refuse);
  const clock = new SettableClock();
  const mail = { host: '127.0.0.1', port: server.port, security: 'none', from: 'pika-git <git@example.org>' };
  const it = await open({ clock, settings: { mail: { ...mail, ...settings } } });
  const { forge } = it;
  const [ana, ben] = [it.account('ana'), it.account('ben')];
  const repo = await it.repo('ana/app');
  putMember(forge.db, { repoId: repo.id, accountId: ben.account.id, role: 'write' });
  const room = openMail(forge);
  room.start();
  it.defer(() => room.stop());
  it.defer(server.close);
  const settle = async (accountIds: number[] = []) => {
    room.look(accountIds);
    await room.loop.settled();
  };
  const push = (name: string, title: string) => {
    clock.advance(1);
    const branch = recordHead(forge, repo, { name, head: 'a'.repeat(40), base: undefined });
    forge.db.run('UPDATE branches SET author_id = :by, title = :title WHERE id = :id', {
      id: branch.id,
      by: ben.account.id,
      title,
    });
    return branch;
  };
  const tell = async (branchId: number) => settle(lookAtBranch(forge, branchId));
  const say = (caller: Caller, branch: Branch, body: string) => {
    clock.advance(1);
    return startThread(forge, {
      caller,
      repo,
      branch,
      request: threadRequest.parse({ body }),
    });
  };
  const choose = (caller: Caller, kinds: InboxKind[] = [...inboxKinds]) =>
    chooseMail(forge, { caller, request: { address: `${caller.account?.name}@example.org`, kinds } });
  /** The secret of the link that the newest mail carries. */
  const linked = () =>
    /\/account\/mail\?secret=3?D?([\w-]+)/.exec(bodyOf(server.received.at(-1)?.raw))?.[1] ?? '';
  const confirm = async (caller: Caller, kinds?: InboxKind[]) => {
    choose(caller, kinds);
    await settle();
    confirmMail(forge, { caller, secret: linked() });
  };
  return { it, forge, clock, server, room, ana, ben, repo, push, tell, say, settle, choose, linked, confirm };
}

/** Without the soft breaks and the escapes of quoted-printable. */
const bodyOf = (raw = ''): string =>
  raw
    .replaceAll('=\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

test('what happens to a branch within a minute is one mail, and the mails of a branch are one conversation', async () => {
  const s = await stage();
  await s.confirm(s.ana.caller);
  expect(s.server.received).toHaveLength(1);
  const branch = s.push('topic', 'Teach <b>ducks</b>\r\nBcc: eve@example.org');
  await s.tell(branch.id);
  await s.say(s.ben.caller, branch, 'Please look, @ana');
  await s.tell(branch.id);
  expect(s.server.received).toHaveLength(1);
  s.clock.advance(minute);
  await s.settle();
  const [, mail] = s.server.received;
  expect(mail?.to).toBe('ana@example.org');
  expect(mail?.headers.has('bcc')).toBe(false);
  expect(mail?.headers.get('subject')).toContain('[ana/app] Teach <b>ducks</b> Bcc: eve@example.org (#1)');
  expect(mail?.headers.get('auto-submitted')).toBe('auto-generated');
  expect(mail?.headers.get('list-id')).toContain('<app.ana.');
  expect(mail?.headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
  const text = bodyOf(mail?.raw);
  expect(text).toContain('ben mentioned you.');
  expect(text).toContain('ben asks for your review.');
  expect(text).toContain('Teach &lt;b&gt;ducks&lt;/b&gt;');
  expect(text).toContain('/ana/app/branches/1');
  // The same facts again, and what was read before it was told, are no mail; what is new is.
  await s.settle([s.ana.account.id]);
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received).toHaveLength(2);
  await s.say(s.ben.caller, branch, 'And once more, @ana');
  await s.tell(branch.id);
  readBranch(s.forge, { caller: s.ana.caller, branchId: branch.id });
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received).toHaveLength(2);
  await s.say(s.ben.caller, branch, 'Nobody answers, @ana');
  await s.tell(branch.id);
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received).toHaveLength(3);
  const [, first, second] = s.server.received;
  expect(second?.headers.get('references')).toBe(first?.headers.get('references'));
  expect(second?.headers.get('in-reply-to')).toBe(first?.headers.get('in-reply-to'));
  expect(second?.headers.get('message-id')).not.toBe(first?.headers.get('message-id'));
  expect(bodyOf(second?.raw)).not.toContain('asks for your review');
});

test('an address gets nothing but the question until its owner confirms it, and another account cannot', async () => {
  const s = await stage();
  s.choose(s.ana.caller);
  await s.settle();
  const secret = s.linked();
  const branch = s.push('topic', 'Early');
  await s.tell(branch.id);
  s.clock.advance(minute);
  await s.settle([s.ana.account.id]);
  expect(s.server.received.map(({ headers }) => headers.get('subject'))).toEqual([
    'Confirm this address for ana',
  ]);
  expect(() => confirmMail(s.forge, { caller: s.ben.caller, secret })).toThrow('not yours');
  expect(() => s.choose({ ...s.ana.caller })).toThrow('asked just now');
  s.clock.advance(10 * minute);
  s.choose(s.ana.caller);
  expect(() => confirmMail(s.forge, { caller: s.ana.caller, secret })).toThrow('replaced');
  await s.settle();
  s.clock.advance(25 * 60 * minute);
  expect(() => confirmMail(s.forge, { caller: s.ana.caller, secret: s.linked() })).toThrow('too old');
  s.choose(s.ana.caller);
  await s.settle();
  expect(confirmMail(s.forge, { caller: s.ana.caller, secret: s.linked() }).confirmed).toBe(true);
  // What happened before is no news, and what waits does not go to the address that comes after.
  await s.settle([s.ana.account.id]);
  s.clock.advance(10 * minute);
  await s.settle();
  await s.tell(s.push('later', 'Late').id);
  chooseMail(s.forge, { caller: s.ana.caller, request: { address: 'new@example.org', kinds: ['review'] } });
  s.clock.advance(minute);
  await s.settle();
  const told = s.server.received.map(({ to, headers }) => `${to} ${headers.get('subject')}`);
  expect(told).toEqual([
    ...Array.from({ length: 3 }, () => 'ana@example.org Confirm this address for ana'),
    'new@example.org Confirm this address for ana',
  ]);
});

test('only the kinds that were chosen are told, and nothing of a repository that the reader may not see any more', async () => {
  const s = await stage();
  await s.confirm(s.ben.caller, ['commented']);
  await s.confirm(s.ana.caller, ['closed']);
  const branch = s.push('topic', 'Secret plan');
  await s.say(s.ana.caller, branch, 'No.');
  await s.tell(branch.id);
  s.forge.db.run('DELETE FROM repo_members WHERE account_id = :id', { id: s.ben.account.id });
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received.map(({ headers }) => headers.get('subject')).slice(2)).toEqual([]);
  putMember(s.forge.db, { repoId: s.repo.id, accountId: s.ben.account.id, role: 'write' });
  await s.settle([s.ben.account.id, s.ana.account.id]);
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received.slice(2).map(({ to }) => to)).toEqual(['ben@example.org']);
});

test('a mail that is refused for now is tried again, one that is refused for good is shown, and no other waits for it', async () => {
  const answers = new Map<string, string>();
  const s = await stage({ refuse: (to) => answers.get(to), settings: { retrySeconds: 60, maxQueued: 50 } });
  await s.confirm(s.ana.caller);
  await s.confirm(s.ben.caller);
  answers.set('ana@example.org', '451 come back later');
  const branch = s.push('topic', 'Try');
  await s.say(s.ana.caller, branch, 'Hm.');
  await s.tell(branch.id);
  s.clock.advance(minute);
  await s.settle();
  expect(s.server.received.slice(2).map(({ to }) => to)).toEqual(['ben@example.org']);
  expect(mailState(s.forge, 10)).toMatchObject({
    waiting: 1,
    troubles: [{ account: 'ana', state: 'queued', attempts: 1, message: expect.stringContaining('451') }],
  });
  answers.set('ana@example.org', '550 nobody here');
  await s.settle();
  expect(mailState(s.forge, 10).troubles[0]).toMatchObject({ state: 'queued', attempts: 1 });
  s.clock.advance(minute);
  await s.settle([s.ana.account.id]);
  s.clock.advance(minute);
  await s.settle([s.ana.account.id]);
  expect(mailState(s.forge, 10)).toMatchObject({
    waiting: 0,
    troubles: [{ state: 'failed', attempts: 2, message: expect.stringContaining('550') }],
  });
  expect(s.server.received).toHaveLength(3);
});

test('a server that offers no encryption gets no mail where encryption is asked for', async () => {
  const s = await stage({ settings: { security: 'starttls' } });
  s.choose(s.ana.caller);
  await s.settle();
  expect(s.server.received).toEqual([]);
  expect(mailState(s.forge, 10)).toMatchObject({ waiting: 1, troubles: [{ state: 'queued', attempts: 1 }] });
});

test('the link to stop changes nothing by being opened, and stops when a mail program posts to it', async () => {
  const s = await stage();
  await s.confirm(s.ana.caller);
  const branch = s.push('topic', 'Stop');
  await s.tell(branch.id);
  s.clock.advance(minute);
  await s.settle();
  const app = createApp({ trustedProxies: [], maxRequestBytes: 100_000 });
  app.use(
    identify(s.forge, () => true),
    ...bodyParsers({ maxRequestBytes: 100_000 }),
    refuseForgery,
    mailPages(s.forge, s.room),
    notFound,
    answerErrors(s.forge.log),
  );
  const http = createServer(app).listen(0, '127.0.0.1');
  await once(http, 'listening');
  s.it.defer(() => {
    http.close();
    http.closeAllConnections();
  });
  const header = s.server.received.at(-1)?.headers.get('list-unsubscribe') ?? '';
  const { pathname } = new URL(/<(.*)>/.exec(header)?.[1] ?? '');
  const ask = async (path: string, method: string) =>
    (
      await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}${path}`, {
        method,
        ...(method === 'POST' && { body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }) }),
      })
    ).status;
  expect(await ask(`${pathname}x`, 'POST')).toBe(404);
  expect(await ask(pathname, 'GET')).toBe(200);
  expect(mailOf(s.forge, s.ana.caller).confirmed).toBe(true);
  expect(await ask(pathname, 'POST')).toBe(200);
  expect(mailOf(s.forge, s.ana.caller)).toMatchObject({ address: null, confirmed: false });
  expect(recentAudit(s.forge, 1)).toMatchObject([{ action: 'mail.stop', subject: 'ana' }]);
  expect(await ask(pathname, 'POST')).toBe(404);
});
