// SECURITY Z7: what a signed event must be to sign somebody in.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { addNostrKey, signInWithNostr } from '../../src/accounts/nostr-keys.ts';
import { createNostrChallenge } from '../../src/accounts/nostr-proof.ts';
import type { Forge } from '../../src/forge/open.ts';
import { SettableClock } from '../../src/lib/clock.ts';
import type { EventTemplate, NostrEvent } from '../../src/lib/nostr-event.ts';
import { eventId, publicKeyOf, signEvent } from '../../src/lib/nostr.ts';
import { useForge } from '../support/forge.ts';

const open = useForge({ settings: { publicUrl: 'https://git.example.org/' } });
const path = '/api/v1/sessions/nostr';
const secretKey = randomBytes(32);

async function openWithKey() {
  const clock = new SettableClock();
  const { forge, account } = await open({ clock });
  addNostrKey(forge, { accountId: account('ada').account.id, publicKey: publicKeyOf(secretKey) });
  return { forge, clock };
}

const tagsOf = (challenge: string, url = `https://git.example.org${path}`, method = 'POST') => [
  ['u', url],
  ['method', method],
  ['challenge', challenge],
];

function eventFor(forge: Forge, change: Partial<EventTemplate> = {}): NostrEvent {
  const { challenge } = createNostrChallenge(forge, path);
  const created_at = Math.floor(forge.clock.now() / 1000);
  return signEvent(secretKey, { created_at, kind: 27_235, tags: tagsOf(challenge), content: '', ...change });
}

test('Z7: a signed challenge signs its key in, once', async () => {
  const { forge } = await openWithKey();
  const event = eventFor(forge);
  expect(signInWithNostr(forge, event, path).name).toBe('ada');
  expect(() => signInWithNostr(forge, event, path)).toThrow(/used already/);
});

test('Z7: the same challenge under another signature is used up as well', async () => {
  const { forge, clock } = await openWithKey();
  const { challenge } = createNostrChallenge(forge, path);
  signInWithNostr(forge, eventFor(forge, { tags: tagsOf(challenge) }), path);
  clock.advance(1000);
  const again = eventFor(forge, { tags: [...tagsOf(challenge), ['nonce', '2']] });
  expect(() => signInWithNostr(forge, again, path)).toThrow(/used already/);
});

test('Z7: a challenge ends after a minute, and an event is not taken that is older or newer than that', async () => {
  const { forge, clock } = await openWithKey();
  const event = eventFor(forge);
  clock.advance(60_001);
  expect(() => signInWithNostr(forge, event, path)).toThrow(/more than a minute from now/);
  const { tags } = event;
  expect(() => signInWithNostr(forge, eventFor(forge, { tags }), path)).toThrow(/challenge has expired/);
  const seconds = Math.floor(clock.now() / 1000);
  for (const created_at of [seconds - 62, seconds + 62]) {
    expect(() => signInWithNostr(forge, eventFor(forge, { created_at }), path)).toThrow(/more than a minute/);
  }
});

test.each([
  'https://git.example.org/api/v1/sessions/nostr/',
  'https://git.example.org/api/v1/sessions/nostr?x',
  'https://git.example.org:443/api/v1/sessions/nostr',
  'https://GIT.example.org/api/v1/sessions/nostr',
  'http://git.example.org/api/v1/sessions/nostr',
  'https://evil.example.org/api/v1/sessions/nostr',
  'https://git.example.org/api/v1/account/nostr-keys',
  '',
])('Z7: an event for the address "%s" is refused', async (url) => {
  const { forge } = await openWithKey();
  const { challenge } = createNostrChallenge(forge, path);
  const event = eventFor(forge, { tags: tagsOf(challenge, url) });
  expect(() => signInWithNostr(forge, event, path)).toThrow(/it is for .* and not for/);
});

test('Z7: another method, another kind and another challenge are refused', async () => {
  const { forge } = await openWithKey();
  const { challenge } = createNostrChallenge(forge, path);
  const refused = (change: Partial<EventTemplate>, why: RegExp) =>
    expect(() => signInWithNostr(forge, eventFor(forge, change), path)).toThrow(why);
  refused({ tags: tagsOf(challenge, undefined, 'GET') }, /the method GET/);
  refused({ kind: 1 }, /its kind is 1/);
  refused({ kind: 22_242 }, /its kind is 22242/);
  refused({ tags: tagsOf(`${challenge}x`) }, /answers no challenge/);
  refused({ tags: tagsOf(`${challenge}.x`) }, /answers no challenge/);
  refused({ tags: tagsOf('9999999999999.nonce.signature') }, /answers no challenge/);
  const other = createNostrChallenge(forge, '/api/v1/account/nostr-keys').challenge;
  refused({ tags: tagsOf(other) }, /answers no challenge/);
});

test('Z7: an event says each thing exactly once', async () => {
  const { forge } = await openWithKey();
  const { challenge } = createNostrChallenge(forge, path);
  for (const name of ['u', 'method', 'challenge']) {
    const without = tagsOf(challenge).filter((tag) => tag[0] !== name);
    expect(() => signInWithNostr(forge, eventFor(forge, { tags: without }), path)).toThrow(/has no tag/);
    const twice = [...tagsOf(challenge), [name, 'x']];
    expect(() => signInWithNostr(forge, eventFor(forge, { tags: twice }), path)).toThrow(/more than one tag/);
  }
});

test('Z7: a bad signature, a changed id and a foreign key are refused', async () => {
  const { forge } = await openWithKey();
  const flip = (text: string) => (text.startsWith('0') ? '1' : '0') + text.slice(1);
  for (const change of ['sig', 'id'] as const) {
    const event = eventFor(forge);
    const changed = { ...event, [change]: flip(event[change]) };
    expect(() => signInWithNostr(forge, changed, path)).toThrow(/signature is not that of its key/);
  }
  // Signed by somebody else, and said to be of the known key, with the id that fits.
  const event = signEvent(randomBytes(32), eventFor(forge));
  const claimed = { ...event, pubkey: publicKeyOf(secretKey) };
  const fitting = { ...claimed, id: eventId(claimed) };
  expect(() => signInWithNostr(forge, fitting, path)).toThrow(/signature is not that of its key/);
});

test('Z7: a challenge whose signature was bad once is used up', async () => {
  const { forge } = await openWithKey();
  const event = eventFor(forge);
  expect(() => signInWithNostr(forge, { ...event, sig: '0'.repeat(128) }, path)).toThrow(/signature/);
  expect(() => signInWithNostr(forge, event, path)).toThrow(/used already/);
});

test('Z7: a key that no account has is told before anything is verified', async () => {
  const { forge } = await openWithKey();
  const event = { ...eventFor(forge), pubkey: publicKeyOf(randomBytes(32)) };
  expect(() => signInWithNostr(forge, event, path)).toThrow(/npub1\w+ belongs to no account/);
});
