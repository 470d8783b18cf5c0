// The page of the landing queue and the forms about it, without script.
import { expect, test } from 'vitest';
import { pauseLandings } from '../../src/landing/queue/queue-pause.ts';
import { findLanding } from '../../src/landing/queue/queue-view.ts';
import { stageBranch } from '../landing/staged-branch.ts';
import { useForge } from '../support/forge.ts';
import { serveFront } from './serve-front.ts';

const open = useForge();
const queuePage = '/ada/app/landings';

test('an empty queue says how a branch gets into it, and a reader is offered no order', async () => {
  const { forge, staged, as, ada } = await serveFront(await open());
  expect((await ada(queuePage)).html).toMatch(/Nothing waits to land on main.*Merge when green.*ph land/s);
  await stageBranch(staged);
  forge.db.run(`UPDATE repos SET visibility = 'public'`);
  const nobody = as();
  const { status, html } = await nobody(queuePage);
  expect(status).toBe(200);
  expect(html).not.toContain('<form method="post" action="/ada/app');
  expect(html).not.toContain('Pause queue');
  const head = { head: '0'.repeat(40) };
  for (const path of ['/ada/app/branches/1/land', '/ada/app/branches/1/land/cancel', `${queuePage}/pause`])
    expect((await nobody(path, head)).status, path).toBe(401);
});

test('a branch joins by the form of its page, is ordered on the page of the queue, and its sender comes back there', async () => {
  const { staged, ada } = await serveFront(await open());
  const { forge, repo } = staged;
  const branch = await stageBranch(staged);
  const held = await stageBranch(staged, { name: 'held', lane: 'running' });
  for (const { number, headOid } of [branch, held]) {
    const page = `/ada/app/branches/${number}`;
    expect((await ada(page)).html).toContain('Merge when green');
    expect(await ada(`${page}/land`, { head: headOid })).toMatchObject({ status: 303, to: page });
    expect((await ada(page)).html).toContain('Take out of the queue');
  }
  const { html } = await ada(queuePage);
  expect(html).toMatch(/Order on main.*The tip of main.*#1<.*It is the next to be tested/s);
  expect(html).toMatch(/Wants to land on main.*#2<.*The lane unit is running/s);
  expect((await ada('/')).html).toMatch(/Landing queue.*ada\/app.*#1 .*queued.*#2 .*waiting/s);
  const from = { from: 'queue' };
  const first = { ...from, priority: '9' };
  expect(await ada('/ada/app/branches/2/land/priority', first)).toMatchObject({ status: 303, to: queuePage });
  expect(findLanding(forge, repo, held.id)?.priority).toBe(9);
  expect(await ada('/ada/app/branches/1/land/cancel', from)).toMatchObject({ status: 303, to: queuePage });
  expect((await ada(queuePage)).html).toMatch(/Left the queue.*#1<.*ada took it out of the queue/s);
  // Another head is another question: what became of the old one is told no more.
  expect((await ada('/ada/app/branches/1')).html).toContain('took it out of the queue');
  forge.db.run(`UPDATE landings SET head_oid = :old WHERE branch_id = :id`, {
    old: '0'.repeat(40),
    id: branch.id,
  });
  expect((await ada('/ada/app/branches/1')).html).not.toContain('took it out of the queue');
});

test('a paused queue says by whom and why, to everybody, and only its maintainers resume it', async () => {
  const { testForge, staged, as, ada } = await serveFront(await open());
  const { forge, repo, caller } = staged;
  pauseLandings(forge, { repo, caller, reason: '<b>2.8.1</b>' });
  forge.db.run(`UPDATE repos SET visibility = 'public'`);
  const eve = as(testForge.account('eve').account);
  const { html } = await eve(queuePage);
  expect(html).toContain('The queue is paused');
  expect(html).toContain('&lt;b&gt;2.8.1&lt;/b&gt;');
  expect(html).not.toContain('Resume queue');
  expect((await eve(`${queuePage}/resume`, {})).status).toBe(403);
  expect(await ada(`${queuePage}/resume`, {})).toMatchObject({ status: 303, to: queuePage });
  expect((await ada(queuePage)).html).not.toContain('The queue is paused');
});
