// What a client of SSH wants to execute, whichever front it came through: one command, then the end.
import { finished } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, ForgeError } from '../lib/errors.ts';
import { remark, tell, type CommandClient, type CommandParts } from './command-client.ts';
import type { Granted } from './model.ts';
import { parseCommand, type SshCommand } from './parse-command.ts';
import { PushHead } from './push-head.ts';
import { serveShell } from './serve-shell.ts';
import { startService, type RunningService } from './start-service.ts';

const drainMs = 30_000;
const noticeMs = 2000;

export interface AskedCommand {
  command: string;
  /** The client's GIT_PROTOCOL, if it sent one. */
  protocol: string | undefined;
}

type GitCommand = Extract<SshCommand, { kind: 'git' }>;

/** Never rejects: what goes wrong is told the client. */
export async function serveCommand(
  client: CommandClient,
  asked: AskedCommand,
  parts: CommandParts,
): Promise<void> {
  const { clerk, identity } = parts;
  const parsed = parseCommand(asked.command);
  try {
    if (parsed.kind === 'git') await serveGit(client, { parsed, protocol: asked.protocol }, parts);
    else if (parsed.kind === 'shell') await serveShell(client, parsed.wanted, parts);
    else if (parsed.kind === 'refused') complain(client, parsed.message, 128);
    else {
      const text = await clerk.ask(
        parsed.kind === 'lfs' ? { ...parsed, identity } : { kind: 'command', identity, name: parsed.name },
      );
      tell(client, 'output', text);
      client.exit(0);
    }
  } catch (error) {
    complain(client, errorMessage(error), 1);
  }
}

function complain(client: CommandClient, sentence: string, code: number): void {
  remark(client, sentence);
  client.exit(code);
}

async function serveGit(
  client: CommandClient,
  { parsed, protocol }: { parsed: GitCommand; protocol: string | undefined },
  parts: CommandParts,
): Promise<void> {
  const { clerk, identity, git } = parts;
  const { service, owner, name } = parsed;
  const notice = setTimeout(() => remark(client, 'The forge serves others; waiting for a place.'), noticeMs);
  const granted = await clerk
    .ask({ kind: 'open', identity, service, owner, name }, client.gone)
    .finally(() => clearTimeout(notice));
  const serviceId = granted.id;
  try {
    if (client.gone.aborted) return;
    const running = startService(git, {
      service,
      granted,
      protocol,
      args: [],
      hooks: {
        check: (push) => clerk.ask({ kind: 'check', serviceId, ...push }),
        ring: () => clerk.ask({ kind: 'ring', serviceId }),
      },
    });
    const head = service === 'git-receive-pack' ? new PushHead(parts.pushHead) : undefined;
    await connect(client, { running, head, granted }, parts);
  } finally {
    clerk.tellEnded(serviceId);
  }
}

interface Connected {
  running: RunningService;
  head: PushHead | undefined;
  granted: Granted;
}

/** Git's streams are the client's until one of them ends; a client that goes ends git at once. */
async function connect(client: CommandClient, connected: Connected, parts: CommandParts): Promise<void> {
  const { running, head } = connected;
  const { services } = parts;
  services.add(running);
  client.gone.addEventListener('abort', () => running.stop());
  client.carry(running.stdout);
  running.stderr.pipe(client.errors, { end: false });
  const refused = Promise.withResolvers<ForgeError>();
  // git may end before it has read everything; only what the head refuses is the client's fault.
  head?.on('error', (error) => error instanceof ForgeError && refused.resolve(error));
  (head === undefined ? client.input : client.input.pipe(head)).pipe(running.stdin);
  try {
    const end = await Promise.race([running.ended, refused.promise]);
    if (typeof end === 'number') client.exit(end);
    else await refuse(client, { ...connected, refusal: end }, parts);
  } finally {
    services.delete(running);
  }
}

async function refuse(
  client: CommandClient,
  { running, head, granted, refusal }: Connected & { refusal: ForgeError },
  { clerk }: CommandParts,
): Promise<void> {
  const { message } = refusal;
  running.stdout.unpipe().resume();
  running.stop();
  await Promise.all([running.ended, clerk.ask({ kind: 'refuse', serviceId: granted.id, sentence: message })]);
  const report = head?.report(message);
  if (report === undefined) return complain(client, message, 1);
  client.output.write(report);
  // A client reads the report only after it has sent its pack, which is thrown away, for a while.
  if (head?.hasPack === true) await readAway(client);
  client.exit(1);
}

async function readAway({ input, gone }: CommandClient): Promise<void> {
  const patience = new AbortController();
  // Of a channel only what comes in: what goes out ends after this.
  const ended = new Promise<void>(
    (resolve) => void finished(input.resume(), { writable: false }, () => resolve()),
  );
  const left = new Promise<void>((resolve) => void gone.addEventListener('abort', () => resolve()));
  await Promise.race([ended, left, delay(drainMs, undefined, { signal: patience.signal, ref: false })]);
  patience.abort();
}
