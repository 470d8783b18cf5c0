// One mail over SMTP: a connection for each, so that a server that hangs holds up one mail for the time of its limit alone.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { SendMailOptions } from 'nodemailer';
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js';
import type { Forge } from '../forge/open.ts';
import { errorMessage } from '../lib/errors.ts';

export type Sent = { outcome: 'sent' } | { outcome: 'refused' | 'unreachable'; message: string };

const maxMessageCharacters = 500;
/** RFC 4954: the server wants to know who sends, or wants it said otherwise. An operator can mend that. */
const signInCodes = [530, 534, 535, 538];

/** `refused` is for good: the server said 5xx to this mail; everything else may be otherwise later. */
export async function sendMail(forge: Forge, message: SendMailOptions, signal: AbortSignal): Promise<Sent> {
  try {
    // It is large, and many forges send no mail.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport(optionsOf(forge, signal));
    await transport.sendMail(message);
    return { outcome: 'sent' };
  } catch (error) {
    const { responseCode, command } = error as { responseCode?: number; command?: string };
    // What the server says before it knows of the mail is about the forge: its name, its password.
    const isOfMail = /^(?:RCPT TO|DATA|MAIL FROM)$/.test(command ?? '');
    const isFinal =
      isOfMail && responseCode !== undefined && responseCode >= 500 && !signInCodes.includes(responseCode);
    return {
      outcome: isFinal ? 'refused' : 'unreachable',
      message: errorMessage(error).slice(0, maxMessageCharacters),
    };
  }
}

function optionsOf(forge: Forge, signal: AbortSignal): SMTPTransport.Options {
  const { host = '', port, security, user, passwordFile, timeoutSeconds } = forge.config.mail;
  const timeoutMs = timeoutSeconds * 1000;
  const pass = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').trim();
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(user === undefined ? {} : { auth: { user, pass } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: (_options, callback) => {
      const socket = connect({ host, port, signal, timeout: timeoutMs });
      socket.once('error', (error) => callback(error, {}));
      socket.once('timeout', () => socket.destroy(new Error('the mail server did not answer in time')));
      socket.once('connect', () => {
        socket.removeAllListeners('error').removeAllListeners('timeout');
        callback(null, { connection: socket });
      });
    },
  };
}
