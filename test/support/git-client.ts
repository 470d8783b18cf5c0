// A person at a terminal: a HOME, a git configuration, a key and a checkout, nothing of the machine's own.
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { outputOf, runProgram, type ProgramResult } from './run-program.ts';
import { makeKey, sshArguments, type SshKey } from './ssh.ts';

export interface GitClient {
  name: string;
  home: string;
  /** The checkout, where every command runs. */
  checkout: string;
  key: SshKey;
  env: Record<string, string>;
  /** Runs git; throws unless it ends with 0. Answers its standard output. */
  git: (...args: string[]) => Promise<string>;
  /** Runs git and answers how it ended. */
  tryGit: (...args: string[]) => Promise<ProgramResult>;
  /** Writes files (null content is not for here: use `git rm`), commits them, answers the object id. */
  commit: (message: string, files: Record<string, string>) => Promise<string>;
}

/** A new client below `folder`, whose checkout is an empty repository on `main`. */
export async function makeClient(folder: string, options: { name: string }): Promise<GitClient> {
  const home = mkdtempSync(join(folder, `${options.name}-`));
  const checkout = join(home, 'work');
  mkdirSync(checkout);
  const key = await makeKey(home);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_SSH_COMMAND: sshArguments(key).join(' '),
  };
  writeFileSync(
    join(home, '.gitconfig'),
    `[user]\n\tname = ${options.name}\n\temail = ${options.name}@example.org\n[init]\n\tdefaultBranch = main\n` +
      // No git starts another one to ask whether there is something to tidy up, or copies hooks that do nothing.
      '\ttemplateDir =\n[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n',
  );
  const git = (...args: string[]): Promise<string> => outputOf(['git', ...args], { cwd: checkout, env });
  await git('init', '--quiet');
  return {
    name: options.name,
    home,
    checkout,
    key,
    env,
    git,
    tryGit: (...args) => runProgram(['git', ...args], { cwd: checkout, env }),
    commit: async (message, files) => {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(checkout, path)), { recursive: true });
        writeFileSync(join(checkout, path), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', message);
      return headOf(join(checkout, '.git'));
    },
  };
}

/** Read from the files that the commit was just written to, without a git of its own. */
function headOf(gitFolder: string): string {
  const head = readFileSync(join(gitFolder, 'HEAD'), 'utf8').trim();
  return head.startsWith('ref: ') ? readFileSync(join(gitFolder, head.slice(5)), 'utf8').trim() : head;
}
