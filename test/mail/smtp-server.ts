// A mail server that speaks SMTP over a real socket (RFC 5321), keeps what it was sent, and refuses what the test says.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { TLSSocket } from 'node:tls';

export interface ReceivedMail {
  to: string;
  /** As it came, with its lines joined by \n. */
  raw: string;
  /** The headers, unfolded, by their names in lower case. */
  headers: Map<string, string>;
}

export interface SmtpServer {
  port: number;
  received: ReceivedMail[];
  /** What came in the clear, of all connections. */
  heard: string[];
  close: () => void;
}

/** What a server asks for that is not open to everybody. */
export interface SmtpGuard {
  /** In PEM. With `isTls` from the first byte on, otherwise by STARTTLS. */
  key?: string;
  certificate?: string;
  isTls?: boolean;
  /** Whoever may send: `name:password`; said only where it is encrypted. */
  login?: string;
}

interface Talk extends SmtpGuard {
  received: ReceivedMail[];
  heard: string[];
  refuse: (address: string) => string | undefined;
}

/** `refuse` is asked for every recipient: the answer to RCPT TO in the place of 250. */
export async function openSmtpServer(
  refuse: (address: string) => string | undefined = () => undefined,
  guard: SmtpGuard = {},
): Promise<SmtpServer> {
  const received: ReceivedMail[] = [];
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    const all = { ...guard, received, heard, refuse };
    // A client that does not trust the certificate breaks off in the middle.
    void talk(guard.isTls === true ? encrypted(socket, guard) : socket, all).catch(() => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    heard,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function encrypted(socket: Socket, { key, certificate }: SmtpGuard): TLSSocket {
  const tls = new TLSSocket(socket, { isServer: true, key, cert: certificate });
  return tls.on('error', () => undefined);
}

async function talk(socket: Socket, all: Talk, greeting = '220 mail.example.org ESMTP'): Promise<void> {
  const { received, heard, refuse, login } = all;
  const isEncrypted = socket instanceof TLSSocket;
  const say = (...lines: string[]) => socket.write(lines.map((line) => `${line}\r\n`).join(''));
  if (greeting !== '') say(greeting);
  let to = '';
  let lines: string[] | undefined;
  let isKnown = login === undefined;
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
    if (!isEncrypted) heard.push(line);
    if (lines !== undefined) {
      if (line !== '.') {
        lines.push(line.replace(/^\.\./, '.'));
        continue;
      }
      received.push({ to, raw: lines.join('\n'), headers: headersOf(lines) });
      lines = undefined;
      say('250 taken');
      continue;
    }
    const [verb = '', ...words] = line.split(' ');
    if (verb === 'STARTTLS' && all.key !== undefined && !isEncrypted) break;
    if (verb === 'EHLO') {
      if (all.key !== undefined && !isEncrypted) say('250-mail.example.org', '250 STARTTLS');
      else say('250-mail.example.org', login === undefined ? '250 8BITMIME' : '250 AUTH PLAIN');
    } else if (verb === 'AUTH' && isEncrypted) {
      const [, name, password] = Buffer.from(words[1] ?? '', 'base64')
        .toString()
        .split('\0');
      isKnown = `${name}:${password}` === login;
      say(isKnown ? '235 welcome' : '535 that is not the password');
    } else if (!isKnown && verb !== 'QUIT') say('530 say who you are');
    else if (verb === 'RCPT') {
      to = /<(.*)>/.exec(line)?.[1] ?? '';
      say(refuse(to) ?? '250 ok');
    } else if (verb === 'DATA') {
      lines = [];
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
      return;
    } else say(['HELO', 'MAIL', 'RSET'].includes(verb) ? '250 ok' : '502 unknown');
  }
  if (isEncrypted || all.key === undefined || socket.destroyed || socket.readableEnded) return;
  say('220 go on');
  await talk(encrypted(socket, all), all, '');
}

function headersOf(lines: readonly string[]): Map<string, string> {
  const head = lines
    .slice(0, lines.indexOf(''))
    .join('\n')
    .replaceAll(/\n[ \t]+/g, ' ');
  return new Map(
    head.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
}
