// One channel of an authenticated client: one command, then the end. No terminal, no shell, no forwarding, and
// of the environment only GIT_PROTOCOL.
import type { ServerChannel, Session } from 'ssh2';
import type { Git } from '../git/run.ts';
import { errorMessage } from '../lib/errors.ts';
import type { Line } from './ask.ts';
import type { Identity } from './model.ts';
import { parseCommand, type SshCommand } from './parse-command.ts';
import { startService, type RunningService } from './start-service.ts';

export interface SessionParts {
  git: Git;
  line: Line;
  identity: Identity;
  /** Services in progress, so that the process can end them when it ends. */
  services: Set<RunningService>;
}

type GitCommand = Extract<SshCommand, { kind: 'git' }>;

export function serveSession(session: Session, parts: SessionParts): void {
  let protocol: string | undefined;
  session.on('env', (accept, reject, { key, val }) => {
    if (key !== 'GIT_PROTOCOL') reject?.();
    else {
      protocol = val;
      accept?.();
    }
  });
  // `once`: a second command on the same channel finds nobody who listens and is refused by the library.
  session.once('exec', (accept, _reject, { command }) => {
    const channel = accept();
    channel.on('error', () => undefined);
    serveCommand(channel, { parsed: parseCommand(command), protocol }, parts).catch((error: unknown) =>
      finish(channel, { text: errorMessage(error), code: 1, isError: true }),
    );
  });
  session.once('shell', (accept) => {
    const channel = accept();
    channel.on('error', () => undefined);
    const parsed: SshCommand = { kind: 'own', name: 'help' };
    serveCommand(channel, { parsed, protocol }, parts).catch((error: unknown) =>
      finish(channel, { text: errorMessage(error), code: 1, isError: true }),
    );
  });
}

async function serveCommand(
  channel: ServerChannel,
  { parsed, protocol }: { parsed: SshCommand; protocol: string | undefined },
  parts: SessionParts,
): Promise<void> {
  const { line, identity } = parts;
  if (parsed.kind === 'refused') finish(channel, { text: parsed.message, code: 128, isError: true });
  else if (parsed.kind === 'git') await serveGit(channel, { parsed, protocol }, parts);
  else {
    const text = await line.ask(
      parsed.kind === 'lfs' ? { ...parsed, identity } : { kind: 'command', identity, name: parsed.name },
    );
    finish(channel, { text, code: 0, isError: false });
  }
}

async function serveGit(
  channel: ServerChannel,
  { parsed, protocol }: { parsed: GitCommand; protocol: string | undefined },
  parts: SessionParts,
): Promise<void> {
  const { git, line, identity, services } = parts;
  const { service, owner, name } = parsed;
  let isGone = false;
  channel.once('close', () => (isGone = true));
  const granted = await line.ask({ kind: 'open', identity, service, owner, name });
  const serviceId = granted.id;
  try {
    if (isGone) return;
    const running = startService(git, {
      service,
      granted,
      protocol,
      args: [],
      hooks: {
        check: (push) => line.ask({ kind: 'check', serviceId, ...push }),
        ring: () => line.ask({ kind: 'ring', serviceId }),
      },
    });
    services.add(running);
    channel.once('close', () => running.stop());
    channel.pipe(running.stdin);
    running.stdout.pipe(channel, { end: false });
    running.stderr.pipe(channel.stderr, { end: false });
    const code = await running.ended.finally(() => services.delete(running));
    channel.exit(code);
    channel.end();
  } finally {
    line.tellEnded(serviceId);
  }
}

function finish(channel: ServerChannel, answer: { text: string; code: number; isError: boolean }): void {
  const { text, code, isError } = answer;
  if (isError) channel.stderr.write(`pika-git: ${text}\n`);
  else channel.write(`${text}\n`);
  channel.exit(code);
  channel.end();
}
