// Home, repository and branch pages over real HTTP: who sees what, what a page offers in each state, and its forms.
import { describe, expect, test } from 'vitest';
import { getBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import { stageBranch } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { serveFront } from './serve-front.ts';

const open = useForge();
const serve = async () => serveFront(await open());

const pageOf = (branch: Branch, rest = ''): string => `/ada/app/branches/${branch.number}${rest}`;

describe('the home page', () => {
  test('shows my branches first, and of private repositories nothing to others', async () => {
    const { testForge, forge, staged, as, ada } = await serve();
    await stageBranch(staged, { name: 'secret-work' });
    const mine = (await ada('/')).html;
    expect(mine).toContain('My branches');
    expect(mine).toContain('secret-work');
    expect(mine).toContain('data-live="home" data-fragment="/?fragment=list"');
    for (const ask of [as(), as(testForge.account('eve').account)]) {
      const { status, html } = await ask('/');
      expect(status).toBe(200);
      expect(html).not.toContain('secret-work');
      expect(html).not.toContain('ada/app');
    }
    // However much others push, mine stay.
    forge.config.limits.maxRowsPerPage = 1;
    const later = await stageBranch(staged, { name: 'later-work' });
    forge.db.run('UPDATE branches SET author_id = NULL WHERE id = :id', { id: later.id });
    const both = (await ada('/')).html;
    expect(both).toContain('later-work');
    expect(both).toContain('secret-work');
  });

  test('tells nobody how to sign in, and somebody how to push', async () => {
    const { as, ada } = await serve();
    expect((await as()('/')).html).toContain('How to sign in');
    expect((await ada('/')).html).toContain('git push pika main');
  });
});

describe('the repository page', () => {
  test('counts branches by state, pages through them, and says how to clone', async () => {
    const { forge, staged, ada } = await serve();
    forge.config.limits.maxRowsPerPage = 2;
    for (const name of ['first', 'second', 'third']) await stageBranch(staged, { name });
    const { html } = await ada('/ada/app');
    expect(html).toMatch(/git clone ssh:\/\/git@\S+\/ada\/app\.git/);
    expect(html).toContain('third');
    expect(html).not.toContain('>first<');
    const older = /\/ada\/app\?state=open&amp;before=\d+/.exec(html)?.[0].replace('&amp;', '&');
    const second = (await ada(older!)).html;
    expect(second).toContain('>first<');
    expect(second).not.toContain('third');
    const looked = async (query: string) => (await ada(`/ada/app?${query}`)).html;
    const named = await looked('q=FIRST&author=ADA&ci=success');
    expect(named).toContain('>first<');
    expect(named).not.toContain('third');
    // The other states, the page as it changes and the next page go on looking for the same.
    const page = await looked('author=ada&ci=success');
    for (const more of [
      'merged&amp;author=ada&amp;ci=success"',
      'open&amp;author=ada&amp;ci=success&amp;before=',
    ]) {
      expect(page).toContain(`href="/ada/app?state=${more}`);
    }
    expect(page).toContain(
      'data-fragment="/ada/app?state=open&amp;author=ada&amp;ci=success&amp;fragment=list',
    );
    for (const none of ['q=%25', 'author=eve', 'ci=failed', 'ci=none']) {
      expect(await looked(none)).toContain('No open branch like that');
    }
  });

  test('of an empty repository tells the first push', async () => {
    const { testForge, ada } = await serve();
    await testForge.repo('ada/empty');
    const { html } = await ada('/ada/empty');
    expect(html).toContain('This repository is empty');
    expect(html).toContain('git push pika main');
    expect((await ada('/ada/empty?fragment=start')).html).toContain('This repository is empty');
    expect((await ada('/ada/app?fragment=start')).html).not.toContain('This repository is empty');
  });

  test('does not tell a stranger whether it exists', async () => {
    const { testForge, as } = await serve();
    const eve = as(testForge.account('eve').account);
    expect((await eve('/ada/app')).status).toBe(404);
    expect((await eve('/ada/app')).html.replaceAll('ada/app', 'R')).toBe(
      (await eve('/ada/nil')).html.replaceAll('ada/nil', 'R'),
    );
    expect((await as()('/ada/app')).status).toBe(401);
  });
});

describe('the branch page', () => {
  test('answers what changed, whether it is healthy and what holds it', async () => {
    const { staged, ada } = await serve();
    const branch = await stageBranch(staged, { lane: 'failed', files: { 'new.txt': 'a\nb\n' } });
    const { html } = await ada(pageOf(branch));
    expect(html).toContain('What changed, and why');
    expect(html).toContain('<span class="added">+');
    expect(html).toContain('class="lane-cell failed"');
    expect(html).toContain('held by 1');
    expect(html).toMatch(/<a class="link" href="\/ada\/app\/runs\/1\/lanes\/unit">The lane unit failed/);
    expect(html).toMatch(/data-merge\s+disabled/);
  });

  test('is not sent again to who has it, whenever it was, until something in it changes', async () => {
    const { forge, staged, ada } = await serve();
    const page = pageOf(await stageBranch(staged));
    const first = await ada(page);
    expect(first.html).toMatch(/<body data-at="\d+"/);
    const again = await ada(page, undefined, first.tag);
    expect([again.status, again.html]).toEqual([304, '']);
    forge.db.run(`UPDATE branches SET title = 'Done otherwise'`);
    const changed = await ada(page, undefined, first.tag);
    expect(changed.status).toBe(200);
    expect(changed.html).toContain('Done otherwise');
  });

  test.each(['tutorial', 'changes', 'commits', 'ci'])('has the tab %s and its fragment', async (tab) => {
    const { staged, ada } = await serve();
    const branch = await stageBranch(staged);
    const { status, html } = await ada(pageOf(branch, `?tab=${tab}`));
    expect(status).toBe(200);
    expect(html).toMatch(new RegExp(`tab=${tab}"[^>]*aria-current="page"`));
    if (tab === 'ci') expect((await ada(pageOf(branch, '/ci'))).to).toBe(pageOf(branch, '?tab=ci'));
    const fragment = (await ada(pageOf(branch, `?tab=${tab}&fragment=tab`))).html;
    expect(fragment).not.toContain('<html');
  });

  test('merges with the button of its own head, and then says so', async () => {
    const { forge, staged, ada } = await serve();
    const branch = await stageBranch(staged);
    const { html } = await ada(pageOf(branch));
    expect(html).toContain(`name="head" value="${branch.headOid}"`);
    expect(html).not.toMatch(/data-merge\s+disabled/);
    const answer = await ada(pageOf(branch, '/merge'), { head: branch.headOid });
    expect(answer).toMatchObject({ status: 303, to: pageOf(branch) });
    expect(getBranch(forge, branch.id).state).toBe('merged');
    const after = (await ada(pageOf(branch))).html;
    expect(after).toContain('Merged into');
    expect(after).not.toContain('data-merge');
  });

  test('refuses to merge a head that was not the one on the page', async () => {
    const { forge, staged, ada } = await serve();
    const branch = await stageBranch(staged);
    const answer = await ada(pageOf(branch, '/merge'), { head: '0'.repeat(39) + '1' });
    expect(answer.status).toBe(409);
    expect(answer.html).toContain('moved');
    expect((await ada(pageOf(branch, '/merge'), {})).status).toBe(400);
    expect(getBranch(forge, branch.id).state).toBe('open');
  });

  test('closes and reopens', async () => {
    const { forge, staged, ada } = await serve();
    const branch = await stageBranch(staged);
    expect((await ada(pageOf(branch, '/close'), {})).status).toBe(303);
    expect(getBranch(forge, branch.id).state).toBe('closed');
    expect((await ada(pageOf(branch))).html).toContain(`action="${pageOf(branch)}/reopen"`);
    expect((await ada(pageOf(branch, '/reopen'), {})).status).toBe(303);
    expect(getBranch(forge, branch.id).state).toBe('open');
  });

  test('offers a reader no button, and refuses the forms', async () => {
    const { forge, staged, as } = await serve();
    const branch = await stageBranch(staged);
    forge.db.run(`UPDATE repos SET visibility = 'public' WHERE id = :id`, { id: staged.repo.id });
    const nobody = as();
    const { html } = await nobody(pageOf(branch));
    expect(html).toContain('Sign in to merge');
    expect(html).not.toContain('data-merge');
    for (const verb of ['merge', 'close', 'reopen'])
      expect((await nobody(pageOf(branch, `/${verb}`), { head: branch.headOid })).status).toBe(401);
    expect(getBranch(forge, branch.id).state).toBe('open');
  });

  test('shows a lane that still runs as running, not as failed', async () => {
    const { staged, ada } = await serve();
    const branch = await stageBranch(staged, { lane: 'running' });
    const { html } = await ada(pageOf(branch, '?fragment=head'));
    expect(html).toContain('<li class="running">');
    expect(html).not.toContain('class="failed"');
  });

  test('stays readable when the branch is broken', async () => {
    const { forge, staged, ada } = await serve();
    const branch = await stageBranch(staged);
    forge.db.run(`UPDATE branches SET broken_reason = 'its tree is missing' WHERE id = :id`, {
      id: branch.id,
    });
    const { status, html } = await ada(pageOf(branch, '?tab=ci'));
    expect(status).toBe(200);
    expect(html).toContain('its tree is missing');
  });

  test('shows names and titles as text, invisible characters too', async () => {
    const { forge, staged, ada } = await serve();
    const branch = await stageBranch(staged);
    forge.db.run('UPDATE branches SET title = :title WHERE id = :id', {
      id: branch.id,
      title: '<b title="x">bold</b> \u202Eevil',
    });
    for (const path of ['/', '/ada/app', pageOf(branch)]) {
      const { html } = await ada(path);
      expect(html, path).toContain('&lt;b title=&quot;x&quot;&gt;bold&lt;/b&gt; ⟨U+202E⟩evil');
      expect(html, path).not.toContain('<b title');
      expect(html, path).not.toContain('\u202E');
    }
  });
});

test.each([
  ['/ada/app/branches/99', 404],
  ['/ada/app/branches/x', 400],
  ['/ada/app?state=odd', 400],
  ['/ada/app/branches/1?tab=odd', 400],
  ['/nowhere/at/all', 404],
  ['/live?topic=branch:99', 404],
  ['/live?topic=odd', 400],
])('%s is answered with %i and a page', async (path, status) => {
  const { staged, ada } = await serve();
  await stageBranch(staged);
  const answer = await ada(path);
  expect(answer.status).toBe(status);
  expect(answer.html).toContain('</html>');
});

test('a stranger hears nothing of what may not be read', async () => {
  const { staged, as } = await serve();
  const branch = await stageBranch(staged);
  expect((await as()(`/live?topic=branch:${branch.id}`)).status).toBe(401);
  expect((await as()(`/live?topic=repo:${staged.repo.id}`)).status).toBe(401);
});
