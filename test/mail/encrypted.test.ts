// Mail to a real SMTP server that wants encryption and a password: by STARTTLS and by TLS from the first byte on.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { sendMail } from '../../src/mail/send.ts';
import { makeCertificate } from '../support/certificate.ts';
import { useForge } from '../support/forge.ts';
import { openSmtpServer } from './smtp-server.ts';

const open = useForge();
const trusted = getCACertificates('default');
afterEach(() => setDefaultCACertificates(trusted));

const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;
if (!hasOpenssl)
  console.log('skipped: openssl, which makes the certificate of the mail server, is not installed');

const password = 'correct horse';
const mail = { from: 'git@example.org', to: 'ana@example.org', subject: 'Hello', text: 'It landed.' };
const inBase64 = (text: string) => Buffer.from(text).toString('base64');

async function stage(
  security: 'starttls' | 'tls',
  { isTrusted = true, said = password }: { isTrusted?: boolean; said?: string } = {},
) {
  const it = await open({ settings: { mail: { host: '127.0.0.1', from: mail.from, security } } });
  const pem = await makeCertificate(it.folder);
  const [key, certificate] = [readFileSync(pem.key, 'utf8'), readFileSync(pem.certificate, 'utf8')];
  const guard = { key, certificate, isTls: security === 'tls', login: `forge:${password}` };
  const server = await openSmtpServer(undefined, guard);
  it.defer(server.close);
  if (isTrusted) setDefaultCACertificates([...trusted, certificate]);
  const passwordFile = join(it.folder, 'mail-password');
  writeFileSync(passwordFile, `${said}\n`);
  const login = said === '' ? {} : { user: 'forge', passwordFile };
  Object.assign(it.forge.config.mail, { port: server.port, ...login });
  const sent = await sendMail(it.forge, mail, new AbortController().signal);
  return { server, sent };
}

describe.skipIf(!hasOpenssl).each(['starttls', 'tls'] as const)('a server with %s', (security) => {
  test('gets the mail once it knows the name and the password, and nothing of them in the clear', async () => {
    const { server, sent } = await stage(security);
    expect(sent).toEqual({ outcome: 'sent' });
    expect(server.received.map(({ to, headers }) => [to, headers.get('subject')])).toEqual([
      ['ana@example.org', 'Hello'],
    ]);
    const verbs = server.heard.map((line) => line.split(' ')[0]);
    expect(verbs).toEqual(security === 'tls' ? [] : ['EHLO', 'STARTTLS']);
  });

  test('that takes no such password gets nothing, and is asked again', async () => {
    const { server, sent } = await stage(security, { said: 'wrong' });
    expect(sent).toEqual({ outcome: 'unreachable', message: expect.stringContaining('535') });
    expect(JSON.stringify(sent)).not.toContain('wrong');
    expect(server.received).toEqual([]);
  });

  test('that a forge without a password does not satisfy is asked again, for an operator can mend that', async () => {
    const { server, sent } = await stage(security, { said: '' });
    expect(sent).toEqual({ outcome: 'unreachable', message: expect.stringContaining('530') });
    expect(server.received).toEqual([]);
  });

  test('whose certificate nobody vouches for hears neither the password nor the mail', async () => {
    const { server, sent } = await stage(security, { isTrusted: false });
    expect(sent).toEqual({ outcome: 'unreachable', message: expect.stringMatching(/self-signed/) });
    expect(server.received).toEqual([]);
    expect(server.heard.join('\n')).not.toContain(inBase64(password).slice(0, 8));
  });
});
