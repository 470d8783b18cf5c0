// The forge's side of the SSH process: starts it, answers its questions, and starts it again when it dies.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCallerByKey } from '../accounts/find.ts';
import { isKnownKey } from '../accounts/known-key.ts';
import type { Caller } from '../accounts/model.ts';
import type { Forge } from '../forge/open.ts';
import { errorMessage, ForgeError } from '../lib/errors.ts';
import { answerCommand, answerLfs } from './answer-command.ts';
import type { Desk } from './desk.ts';
import { upward, type Downward, type Identity, type Question, type Upward } from './model.ts';

const entry = fileURLToPath(new URL('./ssh-process.ts', import.meta.url));
const restartMs = 500;
const stopMs = 3000;

export class SshFront {
  readonly #forge: Forge;
  readonly #desk: Desk;
  #child: ChildProcess | undefined;
  #port: number;
  #isStopping = false;
  #restart: NodeJS.Timeout | undefined;

  constructor(forge: Forge, desk: Desk) {
    this.#forge = forge;
    this.#desk = desk;
    this.#port = forge.config.ssh.port;
  }

  /** Starts the process and answers the port it listens on; refuses (`unavailable`) when it cannot. */
  async start(): Promise<number> {
    const { config } = this.#forge;
    const child = fork(entry, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { PATH: config.searchPath, HOME: config.paths.gitHome },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    const own = new Set<string>();
    const listening = Promise.withResolvers<number>();
    child.on('message', (message) => {
      const parsed = upward.parse(message);
      if (parsed.kind === 'listening') listening.resolve(parsed.port);
      else if (parsed.kind === 'failed') listening.reject(this.#cannotListen(parsed.message));
      else this.#receive(child, parsed, own);
    });
    child.on('error', (error) => listening.reject(this.#cannotListen(error.message)));
    child.on('exit', (code) => {
      listening.reject(this.#cannotListen(`its process ended with ${code ?? 'a signal'}`));
      for (const serviceId of own) this.#desk.end(serviceId);
      if (this.#child === child) this.#startAgain();
    });
    this.#tell(child, { kind: 'start', order: this.#order() });
    try {
      this.#port = await listening.promise;
    } catch (error) {
      this.#child = undefined;
      child.kill('SIGKILL');
      throw error;
    }
    return this.#port;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    this.#tell(child, { kind: 'stop' });
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(timer);
  }

  /** The id of the process, for the tests that kill it. */
  get processId(): number | undefined {
    return this.#child?.pid;
  }

  #startAgain(): void {
    if (this.#isStopping) return;
    this.#forge.log.error('the SSH process ended; it is started again');
    this.#restart = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.#forge.log.error({ err: error }, 'the SSH process could not be started again');
        this.#startAgain();
      });
    }, restartMs);
  }

  #order() {
    const { config } = this.#forge;
    const { limits, paths } = config;
    return {
      host: config.ssh.host,
      port: this.#port,
      hostKeyPath: join(paths.keys, 'ssh_host_ed25519_key'),
      gitHome: paths.gitHome,
      searchPath: config.searchPath,
      maxConnections: limits.maxSshConnections,
      handshakeMs: limits.sshHandshakeSeconds * 1000,
      maxPushBytes: limits.maxPushBytes,
      gitSeconds: limits.gitSeconds,
    };
  }

  #receive(child: ChildProcess, message: Upward, own: Set<string>): void {
    if (message.kind === 'ended') {
      own.delete(message.serviceId);
      this.#desk.end(message.serviceId);
    } else if (message.kind === 'ask') {
      const { id } = message;
      this.#answer(message.question, own).then(
        (value) => this.#tell(child, { kind: 'answer', id, value }),
        (error: unknown) => this.#tell(child, { kind: 'refusal', id, message: this.#sentence(error) }),
      );
    }
  }

  async #answer(question: Question, own: Set<string>): Promise<unknown> {
    if (question.kind === 'known') return isKnownKey(this.#forge, question.key);
    if (question.kind === 'identify') return this.#findCaller(question.identity) !== undefined;
    if (question.kind === 'check') return this.#desk.check(question);
    if (question.kind === 'ring') return this.#desk.ring(question.serviceId);
    const caller = this.#findCaller(question.identity);
    // The key was known at sign-in; it may have been taken away while the connection stayed open.
    if (caller === undefined)
      throw new ForgeError('unauthenticated', 'This key is no longer known to the forge.');
    if (question.kind === 'command') return answerCommand(this.#forge, caller, question.name);
    if (question.kind === 'lfs') return answerLfs(this.#forge, caller, question);
    const granted = await this.#desk.open({ ...question, caller });
    own.add(granted.id);
    return granted;
  }

  #findCaller({ key, address }: Identity): Caller | undefined {
    return findCallerByKey(this.#forge, { blob: key, address });
  }

  #sentence(error: unknown): string {
    if (error instanceof ForgeError) return error.message;
    this.#forge.log.error({ err: error }, 'a question of the SSH process failed');
    return 'The forge met an error it did not expect. It was logged; try again.';
  }

  #tell(child: ChildProcess, message: Downward): void {
    if (child.connected) child.send(message, () => undefined);
  }

  #cannotListen(why: string): ForgeError {
    const { host, port } = this.#forge.config.ssh;
    return new ForgeError(
      'unavailable',
      `The SSH server cannot listen on ${host}:${port}: ${errorMessage(why)}. Choose another address with --ssh HOST:PORT.`,
    );
  }
}
