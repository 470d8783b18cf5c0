// F1: a webhook leads nowhere but to the public internet, unless the configuration opens more: by no spelling of an address,
// no name that changes its mind, no redirect.
import { describe, expect, test } from 'vitest';
import { reachable } from '../../src/lib/public-address.ts';
import { webhookEvents } from '../../src/webhooks/model.ts';
import { openWebhooks } from '../../src/webhooks/open.ts';
import { listDeliveries, pingWebhook } from '../../src/webhooks/resend.ts';
import { addWebhook } from '../../src/webhooks/set-webhook.ts';
import { useForge } from '../support/forge.ts';
import { openNameServer } from '../support/name-server.ts';
import { openReceiver } from '../webhooks/receiver.ts';

const open = useForge();

test.each([
  '127.0.0.1',
  '127.255.255.254',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:a00:1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2001:0:1::',
  '2001:db8::1',
  'fd00::1',
  'fe80::1%eth0',
  'ff02::1',
  'fec0::1',
  '[::1]',
  'example.org',
  '',
])('%s is not reachable', (address) => {
  expect(reachable([])(address)).toBe(false);
});

test.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])('%s is', (address) => {
  expect(reachable([])(address)).toBe(true);
});

test('the configuration opens an address or a range, and nothing beside it', () => {
  const isReachable = reachable(['127.0.0.1', '10.1.0.0/16', 'fd00:1::/32']);
  expect(['127.0.0.1', '::ffff:127.0.0.1', '10.1.9.9', 'fd00:1::5'].map(isReachable)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['127.0.0.2', '10.2.0.1', 'fd00:2::5'].map(isReachable)).toEqual([false, false, false]);
});

async function stage(webhooks: Record<string, unknown>) {
  const it = await open({ settings: { webhooks } });
  const { caller } = it.account('ada');
  const repo = await it.repo('ada/app');
  const hooks = openWebhooks(it.forge);
  hooks.start();
  it.defer(() => hooks.stop());
  const add = (url: string) =>
    addWebhook(it.forge, { repo, caller, request: { url, events: [...webhookEvents], active: true } }).webhook
      .id;
  const ping = async (id: number) => {
    const before = pingWebhook(it.forge, { repo, caller, id });
    hooks.look();
    await hooks.settled();
    return listDeliveries(it.forge, { repo, id }).deliveries.find((delivery) => delivery.id === before.id);
  };
  return { it, add, ping };
}

describe('an address that a webhook cannot have', () => {
  test.each([
    ['http://127.0.0.1/', 'no public address'],
    ['http://[::1]/', 'no public address'],
    ['http://2130706433/', 'no public address'],
    ['http://0x7f.1/', 'no public address'],
    ['http://169.254.169.254/latest/meta-data/', 'no public address'],
    ['http://[::ffff:10.0.0.1]/', 'no public address'],
    ['file:///etc/passwd', 'neither https nor http'],
    ['gopher://example.org/', 'neither https nor http'],
    ['https://user:word@example.org/', 'a name or a password'],
    ['https://example.org/#part', 'a #'],
    ['not an address', 'no address'],
  ])('%s is refused when it is given', async (url, why) => {
    const { add } = await stage({});
    expect(() => add(url)).toThrow(why);
  });

  test('a name of this machine is refused when it is connected to', async () => {
    const { it, add, ping } = await stage({});
    const receiver = await openReceiver();
    it.defer(receiver.close);
    const delivery = await ping(add(`http://localhost:${receiver.port}/`));
    expect(delivery).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('which is no public address'),
    });
    expect(receiver.received).toEqual([]);
  });

  test('a name whose address changes with every question never leads to the private one', async () => {
    const names = await openNameServer(['127.0.0.1', '127.0.0.3']);
    const outer = await openReceiver();
    const inner = await openReceiver(undefined, { host: '127.0.0.3', port: outer.port });
    // What stands for the public internet here is 127.0.0.1 alone.
    const settings = { nameServers: [names.at], allowedRanges: ['127.0.0.1'], timeoutSeconds: 60 };
    const { it, add, ping } = await stage(settings);
    it.defer(() => {
      outer.close();
      inner.close();
      names.close();
    });
    const id = add(`http://rebinding.example:${outer.port}/`);
    const told = [await ping(id), await ping(id), await ping(id), await ping(id)];
    const [delivered, refused] = [
      told.filter((delivery) => delivery?.state === 'delivered'),
      told.filter((delivery) => delivery?.message?.includes('rebinding.example is at 127.0.0.3') === true),
    ];
    expect([delivered.length > 0, refused.length > 0, delivered.length + refused.length]).toEqual([
      true,
      true,
      4,
    ]);
    expect(outer.received).toHaveLength(delivered.length);
    expect(inner.received).toEqual([]);
  });

  test('an address that the operator has closed since is refused although its webhook is there', async () => {
    const receiver = await openReceiver();
    const { it, add, ping } = await stage({ allowedRanges: ['127.0.0.1'] });
    it.defer(receiver.close);
    const id = add(receiver.url);
    it.forge.config.webhooks.allowedRanges = [];
    expect(await ping(id)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('127.0.0.1 is at 127.0.0.1, which is no public address'),
    });
    expect(receiver.received).toEqual([]);
  });

  test('a redirect is not followed', async () => {
    const inner = await openReceiver();
    const outer = await openReceiver(
      (response) => void response.writeHead(307, { location: inner.url }).end(),
    );
    const { it, add, ping } = await stage({ allowedRanges: ['127.0.0.1'] });
    it.defer(() => {
      inner.close();
      outer.close();
    });
    expect(await ping(add(outer.url))).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('a redirect, which is not followed'),
    });
    expect([outer.received.length, inner.received.length]).toEqual([1, 0]);
  });
});
