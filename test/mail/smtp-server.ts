// A mail server that speaks SMTP over a real socket (RFC 5321), keeps what it was sent, and refuses what the test says.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

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
  close: () => void;
}

/** `refuse` is asked for every recipient: the answer to RCPT TO in the place of 250. */
export async function openSmtpServer(
  refuse: (address: string) => string | undefined = () => undefined,
): Promise<SmtpServer> {
  const received: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    void talk(socket, { received, refuse });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function talk(
  socket: Socket,
  { received, refuse }: { received: ReceivedMail[]; refuse: (address: string) => string | undefined },
): Promise<void> {
  const say = (line: string) => socket.write(`${line}\r\n`);
  say('220 mail.example.org ESMTP');
  let to = '';
  let lines: string[] | undefined;
  for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
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
    const [verb = ''] = line.toUpperCase().split(' ');
    if (verb === 'RCPT') {
      to = /<(.*)>/.exec(line)?.[1] ?? '';
      say(refuse(to) ?? '250 ok');
    } else if (verb === 'DATA') {
      lines = [];
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else say(['EHLO', 'HELO', 'MAIL', 'RSET'].includes(verb) ? '250 ok' : '502 unknown');
  }
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
