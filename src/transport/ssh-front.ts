// The forge's side of the SSH process: starts it, answers its questions, and starts it again when it dies.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Forge } from '../forge/open.ts';
import { errorMessage, ForgeError } from '../lib/errors.ts';
import { answerQuestion, sentenceOf } from './answer-question.ts';
import type { Desk } from './desk.ts';
import { upward, type Downward, type Question, type Upward } from './model.ts';

const entry = fileURLToPath(new URL('./ssh-process.ts', import.meta.url));
const restartMs = 500;
const stopMs = 3000;

/** What one SSH process holds of the forge, to be given back when it dies. */
class Held {
  readonly services = new Set<string>();
  readonly questions = new Map<number, AbortController>();
}

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
    const cache = getCompileCacheDir();
    const child = fork(entry, {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2'],
      env: {
        PATH: config.searchPath,
        HOME: config.paths.gitHome,
        ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    const held = new Held();
    const listening = Promise.withResolvers<number>();
    child.on('message', (message) => {
      const parsed = upward.parse(message);
      if (parsed.kind === 'listening') listening.resolve(parsed.port);
      else if (parsed.kind === 'failed') listening.reject(this.#cannotListen(parsed.message));
      else this.#receive(child, parsed, held);
    });
    child.on('error', (error) => listening.reject(this.#cannotListen(error.message)));
    child.on('exit', (code) => {
      listening.reject(this.#cannotListen(`its process ended with ${code ?? 'a signal'}`));
      for (const serviceId of held.services) this.#desk.end(serviceId);
      for (const question of held.questions.values()) question.abort();
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
      stallMs: limits.sshStallSeconds * 1000,
      pushHead: limits,
    };
  }

  #receive(child: ChildProcess, message: Upward, held: Held): void {
    if (message.kind === 'ended') {
      held.services.delete(message.serviceId);
      this.#desk.end(message.serviceId);
    } else if (message.kind === 'abandon') held.questions.get(message.id)?.abort();
    else if (message.kind === 'ask') {
      const { id } = message;
      const forge = this.#forge;
      this.#answer(message.question, id, held)
        .finally(() => held.questions.delete(id))
        .then(
          (value) => this.#tell(child, { kind: 'answer', id, value }),
          (error: unknown) => this.#tell(child, { kind: 'refusal', id, message: sentenceOf(forge, error) }),
        );
    }
  }

  async #answer(question: Question, id: number, held: Held): Promise<unknown> {
    const gone = new AbortController();
    held.questions.set(id, gone);
    const parts = { forge: this.#forge, desk: this.#desk };
    if (question.kind !== 'open' && question.kind !== 'shell')
      return answerQuestion(parts, question, gone.signal);
    const granted = await answerQuestion(parts, question, gone.signal);
    // The process may have died while the client waited.
    if (gone.signal.aborted) this.#desk.end(granted.id);
    else held.services.add(granted.id);
    return granted;
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
