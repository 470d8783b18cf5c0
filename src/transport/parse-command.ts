import { gitServices, lfsOperations, type GitService, type LfsOperation, type WantedShell } from './model.ts';

export type SshCommand =
  | { kind: 'git'; service: GitService; owner: string; name: string }
  | { kind: 'lfs'; operation: LfsOperation; owner: string; name: string }
  | { kind: 'shell'; wanted: WantedShell }
  | { kind: 'own'; name: 'help' | 'whoami' | 'login' }
  | { kind: 'refused'; message: string };

const namePart = '[0-9A-Za-z][0-9A-Za-z._-]{0,99}';
const repoAddress = new RegExp(`^/?(${namePart})/(${namePart}?)(?:\\.git)?/?$`);

/**
 * Reads what a client wants to execute. It is never given to a shell: only two services of git, the sign-in
 * of Git LFS and four commands of the forge exist, and everything else is refused with what does exist.
 */
export function parseCommand(text: string): SshCommand {
  const trimmed = text.trim();
  if (trimmed === 'help' || trimmed === 'whoami' || trimmed === 'login')
    return { kind: 'own', name: trimmed };
  const lfs = /^git-lfs-authenticate +(\S.*?) +(\S+)$/s.exec(trimmed);
  if (lfs !== null) return parseLfs(lfs[1] ?? '', lfs[2] ?? '');
  const shell = /^shell(?: +(.*))?$/s.exec(trimmed);
  if (shell !== null) return parseShell((shell[1] ?? '').split(/ +/));
  const [, word = '', rest = ''] = /^(git[ -][a-z-]+) +(\S.*)$/s.exec(trimmed) ?? [];
  const service = gitServices.find((name) => name === word.replace(' ', '-'));
  if (service === undefined) {
    return {
      kind: 'refused',
      message: 'This server knows git, help, whoami, login and shell, and no other command.',
    };
  }
  const address = addressIn(rest);
  return address === undefined ? badAddress : { kind: 'git', service, ...address };
}

/** `git-lfs-authenticate PATH OPERATION`, as the manual of Git LFS has it. */
function parseLfs(path: string, lastWord: string): SshCommand {
  const operation = lfsOperations.find((name) => name === unquoted(lastWord));
  if (operation === undefined) {
    return { kind: 'refused', message: 'git-lfs-authenticate takes a repository and upload or download.' };
  }
  const address = addressIn(path);
  return address === undefined ? badAddress : { kind: 'lfs', operation, ...address };
}

/** `shell PATH RUN LANE [ATTEMPT]`. */
function parseShell([path = '', run = '', lane = '', attempt, ...more]: string[]): SshCommand {
  const number = /^[1-9][0-9]{0,8}$/;
  const isNumbered = number.test(run) && (attempt === undefined || number.test(attempt));
  if (!isNumbered || !/^[a-z0-9_.-]{1,200}$/.test(lane) || more.length > 0) {
    return {
      kind: 'refused',
      message:
        'shell takes a repository, the number of a run, a lane, and the number of an attempt if it is not the newest.',
    };
  }
  const address = addressIn(path);
  if (address === undefined) return badAddress;
  const wanted = { ...address, run: Number(run), lane };
  return { kind: 'shell', wanted: attempt === undefined ? wanted : { ...wanted, attempt: Number(attempt) } };
}

const badAddress: SshCommand = {
  kind: 'refused',
  message:
    'A repository is addressed as /OWNER/NAME.git, with letters, digits, dots, dashes and underscores.',
};

function addressIn(text: string): { owner: string; name: string } | undefined {
  const [, owner, name] = repoAddress.exec(unquoted(text)) ?? [];
  return owner === undefined || name === undefined ? undefined : { owner, name };
}

/** git quotes the path for a shell; the names that exist here need no escapes inside the quotes. */
const unquoted = (text: string): string =>
  /^'([^']*)'$/.exec(text)?.[1] ?? /^"([^"]*)"$/.exec(text)?.[1] ?? text;
