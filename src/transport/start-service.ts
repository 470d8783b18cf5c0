// Starts one git service with the pipes its hooks speak through, and ends it with everything it started.
import type { Readable, Writable } from 'node:stream';
import type { Git } from '../git/run.ts';
import type { RunningGit } from '../git/spawner.ts';
import { stopGroup } from '../git/stop-group.ts';
import { answerHooks, type HookAnswers } from './answer-hooks.ts';
import type { GitService, Granted } from './model.ts';
import { writeSpool } from './write-spool.ts';

const protocolText = /^[0-9a-zA-Z]+=[0-9a-zA-Z]+(:[0-9a-zA-Z]+=[0-9a-zA-Z]+)*$/;

export interface ServiceOrder {
  service: GitService;
  granted: Granted;
  /** What the client sent as GIT_PROTOCOL; dropped unless it has the form that git documents. */
  protocol: string | undefined;
  /** `--stateless-rpc` and the like; never from a client. */
  args: readonly string[];
  hooks: HookAnswers;
}

export interface RunningService {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** The exit code, once git has ended and everything it wrote was read. Rejects when git cannot be started. */
  ended: Promise<number>;
  stop(): void;
}

/** The value for GIT_PROTOCOL, or undefined when the client's text is not one (gitprotocol-v2(5)). */
export const checkedProtocol = (text: string | undefined): string | undefined =>
  text !== undefined && text.length <= 200 && protocolText.test(text) ? text : undefined;

export function startService(git: Git, order: ServiceOrder): RunningService {
  const { service, granted, hooks } = order;
  const protocol = checkedProtocol(order.protocol);
  const env = { ...granted.env, ...(protocol === undefined ? {} : { GIT_PROTOCOL: protocol }) };
  const hasHooks = service === 'git-receive-pack';
  const child = git.spawn([service.slice('git-'.length), ...order.args, granted.repoPath], {
    repo: granted.repoPath,
    env,
    // A group of its own, so that a stop reaches what git started too.
    detached: true,
    hookPipes: hasHooks ? 2 : 0,
  });
  // Broken pipes are told by the exit of git.
  for (const stream of child.stdio) stream?.on('error', () => undefined);
  if (hasHooks) {
    const save = (lines: readonly string[]) => writeSpool(granted.env, lines);
    answerHooks({ questions: child.stdio[3], replies: child.stdio[4] }, { ...hooks, save });
  }
  const ended = Promise.withResolvers<number>();
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code ?? 1));
  return { ...streamsOf(child), ended: ended.promise, stop: () => stopGroup(child) };
}

const streamsOf = (child: RunningGit) => ({
  stdin: child.stdin,
  stdout: child.stdout,
  stderr: child.stderr,
});
