import { gitServices, type GitService } from './model.ts';

export type SshCommand =
  | { kind: 'git'; service: GitService; owner: string; name: string }
  | { kind: 'own'; name: 'help' | 'whoami' | 'login' }
  | { kind: 'refused'; message: string };

const namePart = '[0-9A-Za-z][0-9A-Za-z._-]{0,99}';
const repoAddress = new RegExp(`^/?(${namePart})/(${namePart}?)(?:\\.git)?/?$`);

/**
 * Reads what a client wants to execute. It is never given to a shell: only two services of git and three
 * commands of the forge exist, and everything else is refused with what does exist.
 */
export function parseCommand(text: string): SshCommand {
  const trimmed = text.trim();
  if (trimmed === 'help' || trimmed === 'whoami' || trimmed === 'login')
    return { kind: 'own', name: trimmed };
  const [, word = '', rest = ''] = /^(git[ -][a-z-]+) +(\S.*)$/s.exec(trimmed) ?? [];
  const service = gitServices.find((name) => name === word.replace(' ', '-'));
  if (service === undefined) {
    return {
      kind: 'refused',
      message: 'This server knows git, help, whoami and login, and no other command.',
    };
  }
  const [, owner, name] = repoAddress.exec(unquoted(rest)) ?? [];
  if (owner === undefined || name === undefined) {
    return {
      kind: 'refused',
      message:
        'A repository is addressed as /OWNER/NAME.git, with letters, digits, dots, dashes and underscores.',
    };
  }
  return { kind: 'git', service, owner, name };
}

/** git quotes the path for a shell; the names that exist here need no escapes inside the quotes. */
const unquoted = (text: string): string =>
  /^'([^']*)'$/.exec(text)?.[1] ?? /^"([^"]*)"$/.exec(text)?.[1] ?? text;
