// The forge behind the proxies of which nix/ has examples, set up by them: TLS, big pushes, live pages, clients that go
// away, and who somebody is when a proxy speaks for everybody.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { buffer, json, text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { GitClient } from '../support/git-client.ts';
import { gitProcesses } from '../support/git-processes.ts';
import { placeProxy, proxies, startProxy, whyNoProxy, type ProxyPlace } from '../support/reverse-proxy.ts';
import { disposeServed, startForge, type ServedForge } from '../support/serve.ts';
import { testUnless } from '../support/where-installed.ts';

/** More than nginx takes unless it is told, and than all the buffers on the way hold. */
const largeBytes = 24 * 1024 * 1024;
const slow = { timeout: 120_000 };

describe.each(proxies)('behind %s', (name) => {
  const missing = whyNoProxy(name);
  const test = testUnless(missing, `a forge behind ${name}`);
  let place: ProxyPlace;
  let served: ServedForge;
  let stopProxy: () => Promise<void>;
  let ada: GitClient;
  let token: string;

  beforeAll(async () => {
    if (missing !== undefined) return;
    place = await placeProxy();
    served = await startForge({
      settings: `publicUrl = "${place.origin}"\ntrustedProxies = ["127.0.0.1"]\n`,
    });
    stopProxy = await startProxy(name, place, new URL(served.http).host);
    ada = await served.person('ada', 'admin');
    token = await served.token('ada', 'admin');
    ada.env['GIT_SSL_CAINFO'] = place.certificate;
    await ada.git('config', '--global', 'http.extraHeader', `Authorization: Bearer ${token}`);
  }, 120_000);

  afterAll(async () => {
    if (missing !== undefined) return;
    await stopProxy();
    await disposeServed(served);
  }, 120_000);

  interface Question {
    method?: string;
    headers?: Record<string, string>;
    body?: Buffer;
    signedIn?: boolean;
  }

  /** As somebody at 127.0.0.77, who is not the proxy. */
  const ask = async (path: string, { signedIn = true, body, ...question }: Question = {}) => {
    const asked = request(`${place.origin}${path}`, {
      ca: readFileSync(place.certificate),
      agent: false,
      family: 4,
      localAddress: '127.0.0.77',
      ...question,
      headers: { ...question.headers, ...(signedIn ? { authorization: `Bearer ${token}` } : {}) },
    });
    // A request that a test breaks off says so.
    asked.on('error', () => undefined);
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  };

  test('pages are served over TLS alone, with links of the outside and cookies for it', slow, async () => {
    const page = await ask('/login', { signedIn: false });
    expect(page.statusCode).toBe(200);
    expect(page.headers['strict-transport-security']).toContain('max-age=');
    expect(await text(page)).not.toContain(served.http);
    const plain = plainRequest({
      port: place.plainPort,
      host: '127.0.0.1',
      path: '/ada?x=1',
      headers: { host: 'localhost' },
    });
    plain.end();
    const [answer] = (await once(plain, 'response')) as [IncomingMessage];
    answer.resume();
    expect([301, 308]).toContain(answer.statusCode);
    expect(answer.headers.location).toMatch(/^https:\/\/localhost(?::\d+)?\/ada\?x=1$/);
  });

  test('a large push passes as it comes, and a clone brings it back', slow, async () => {
    const content = randomBytes(largeBytes);
    await ada.git('switch', '--quiet', '--orphan', 'large');
    writeFileSync(join(ada.checkout, 'large.bin'), content);
    await ada.commit('Large', { 'a.txt': 'a\n' });
    const url = `${place.origin}/ada/large.git`;
    const pushed = await ada.tryGit('push', url, 'large:main');
    expect(pushed).toMatchObject({ status: 0, stderr: expect.stringContaining(`${place.origin}/ada/large`) });
    await ada.git('clone', '--quiet', '--branch=main', url, '../copy');
    expect(readFileSync(join(ada.home, 'copy/large.bin')).equals(content)).toBe(true);
  });

  test('a client that goes away takes its git with it', slow, async () => {
    await ada.git('switch', '--quiet', '--orphan', 'away');
    writeFileSync(join(ada.checkout, 'away.bin'), randomBytes(largeBytes));
    const head = await ada.commit('Away', { 'b.txt': 'b\n' });
    await ada.git('push', '--quiet', `${place.origin}/ada/away.git`, 'away:main');
    const packet = (line: string): string => (line.length + 4).toString(16).padStart(4, '0') + line;
    const answer = await ask('/ada/away.git/git-upload-pack', {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-upload-pack-request' },
      body: Buffer.from(`${packet(`want ${head} side-band-64k\n`)}0000${packet('done\n')}`),
    });
    expect(answer.statusCode).toBe(200);
    await once(answer, 'readable');
    const serving = () => gitProcesses(served.data, 'upload-pack');
    expect(serving()).not.toEqual([]);
    answer.destroy();
    await expect.poll(serving).toEqual([]);
  });

  test(
    'a page is packed on its way, and an open one hears of a push while its stream goes on',
    slow,
    async () => {
      const headers = { 'accept-encoding': 'gzip' };
      const page = await ask('/help/keys', { headers });
      expect(page.headers['content-encoding']).toBe('gzip');
      expect((await buffer(page.pipe(createGunzip()))).toString()).toContain('</html>');
      const stream = await ask('/live?topic=home', { headers });
      expect(stream.headers['content-type']).toContain('text/event-stream');
      expect(stream.headers['content-encoding']).toBeUndefined();
      let heard = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (heard += chunk));
      await ada.git('switch', '--quiet', '--orphan', 'live');
      await ada.commit('Live', { 'c.txt': 'c\n' });
      await ada.git('push', '--quiet', `${place.origin}/ada/live.git`, 'live:main');
      await expect.poll(() => heard).toContain('"topic":"home"');
      expect(stream.complete).toBe(false);
      stream.destroy();
    },
  );

  test('Z6: somebody is known by their own address, whatever they say of themselves', slow, async () => {
    const forged = {
      'x-forwarded-for': '203.0.113.7, 127.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-real-ip': '203.0.113.7',
      forwarded: 'for=203.0.113.7',
      'x-request-id': 'forged',
    };
    const made = await ask('/api/v1/repos', {
      method: 'POST',
      headers: { ...forged, 'content-type': 'application/json' },
      body: Buffer.from('{"owner":"ada","name":"known"}'),
    });
    expect(await text(made)).not.toContain('evil.example');
    expect(made.statusCode).toBe(201);
    expect(made.headers['x-request-id']).not.toBe('forged');
    expect(made.headers['strict-transport-security']).toContain('max-age=');
    const { entries } = (await json(await ask('/api/v1/audit'))) as {
      entries: { address: string; subject: string }[];
    };
    expect(entries.map(({ address }) => address)).toContain('127.0.0.77');
    expect(JSON.stringify(entries)).not.toContain('203.0.113.7');
    // What is for programs on the forge's own machine is not for those whom the proxy there passes on.
    expect((await ask('/metrics', { signedIn: false })).statusCode).not.toBe(200);
  });
});
