// Completion scripts for shells, written from the same description of the commands that answers --help.
import type { Command, Option } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

interface OptionNote {
  /** `-f`, `--follow`. */
  flags: string[];
  text: string;
  value: 'none' | 'file' | 'other' | string[];
}

interface CommandNote {
  /** The words that lead to it: `['secret', 'set']`; none for ph itself. */
  words: string[];
  text: string;
  options: OptionNote[];
  children: { word: string; text: string }[];
  takesBranch: boolean;
}

/** The script that a shell reads to complete the commands of `program`. */
export function completionScript(shell: Shell, program: Command): string {
  const notes = describe(program, []);
  switch (shell) {
    case 'bash':
      return bashScript(notes);
    case 'zsh':
      return zshScript(notes);
    case 'fish':
      return fishScript(notes);
  }
}

function describe(command: Command, words: string[]): CommandNote[] {
  const children = command.commands.map((child) => ({ word: child.name(), text: child.description() }));
  const help: OptionNote = { flags: ['--help'], text: 'how it is used', value: 'none' };
  const own: CommandNote = {
    words,
    text: command.description(),
    options: [...command.options.map(noteOf), help],
    children,
    takesBranch: command.registeredArguments.some((argument) => argument.name() === 'branch'),
  };
  return [own, ...command.commands.flatMap((child) => describe(child, [...words, child.name()]))];
}

function noteOf(option: Option): OptionNote {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  if (!option.required && !option.optional) return { flags, text: option.description, value: 'none' };
  if (option.argChoices !== undefined) return { flags, text: option.description, value: option.argChoices };
  return { flags, text: option.description, value: option.flags.includes('<file>') ? 'file' : 'other' };
}

const localBranches = `git for-each-ref '--format=%(refname:short)' refs/heads 2>/dev/null`;
const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const pathOf = (words: readonly string[]): string => words.map((word) => ` ${word}`).join('');

/** Which words lead to a command, as the alternatives of a `case`. */
const paths = (notes: readonly CommandNote[]): string =>
  notes
    .filter(({ words }) => words.length > 0)
    .map(({ words }) => quote(pathOf(words)))
    .join(' | ');

function bashScript(notes: readonly CommandNote[]): string {
  const cases = notes.map((note) => {
    const options = note.options.flatMap(({ flags }) => flags).join(' ');
    const words = note.children.map(({ word }) => word).join(' ');
    const values = note.options
      .filter(({ value }) => value !== 'none')
      .map(({ flags, value }) => `${flags.join(' | ')}) ${bashValues(value)}; return ;;`);
    const branches = note.takesBranch ? `\n      words=$(${localBranches})` : '';
    const byOption = values.length === 0 ? '' : `\n      case $prev in ${values.join(' ')} esac`;
    return `    ${quote(pathOf(note.words))})
      options=${quote(options)} words=${quote(words)}${branches}${byOption} ;;`;
  });
  return `# Completion of ph for bash. Put into ~/.bashrc:  source <(ph completions bash)
_ph() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' options='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in ${paths(notes)}) path="$path \${COMP_WORDS[i]}" ;; esac
  done
  COMPREPLY=()
  case "$path" in
${cases.join('\n')}
  esac
  case $cur in -*) words=$options ;; esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _ph ph
`;
}

function bashValues(value: OptionNote['value']): string {
  if (value === 'file') return 'mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
  if (Array.isArray(value)) return `mapfile -t COMPREPLY < <(compgen -W ${quote(value.join(' '))} -- "$cur")`;
  return ':';
}

function zshScript(notes: readonly CommandNote[]): string {
  const item = (word: string, text: string): string =>
    quote(`${word}:${text.replaceAll(':', String.raw`\:`)}`);
  const cases = notes.map((note) => {
    const options = note.options.flatMap(({ flags, text }) => flags.map((flag) => item(flag, text)));
    const words = note.children.map(({ word, text }) => item(word, text));
    const values = note.options
      .filter(({ value }) => value !== 'none')
      .map(({ flags, value }) => `${flags.join(' | ')}) ${zshValues(value)}; return ;;`);
    const byOption = values.length === 0 ? '' : `\n      case $prev in ${values.join(' ')} esac`;
    const branches = note.takesBranch ? `\n      found=(\${(f)"$(${localBranches})"})` : '';
    return `    ${quote(pathOf(note.words))})
      options=(${options.join(' ')})
      commands=(${words.join(' ')})${branches}${byOption} ;;`;
  });
  return `#compdef ph
# Completion of ph for zsh. Put into ~/.zshrc, after compinit:  source <(ph completions zsh)
_ph() {
  local cur=$words[CURRENT] prev=$words[CURRENT-1] path_='' i
  local -a options commands found
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ $words[i]" in (${paths(notes)}) path_="$path_ $words[i]" ;; esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    _describe -o option options
  else
    (( $#commands )) && _describe command commands
    (( $#found )) && compadd -X branch -- $found
  fi
}
if [[ $funcstack[1] == _ph ]]; then _ph "$@"; else compdef _ph ph; fi
`;
}

function zshValues(value: OptionNote['value']): string {
  if (value === 'file') return '_files';
  if (Array.isArray(value)) return `compadd -- ${value.map(quote).join(' ')}`;
  return ':';
}

const fishQuote = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;

function fishScript(notes: readonly CommandNote[]): string {
  const lines = notes.flatMap((note) => {
    const here = fishPlace(note);
    return [
      ...note.children.map(({ word, text }) => `complete -c ph -n ${here} -a ${word} -d ${fishQuote(text)}`),
      ...(note.takesBranch ? [`complete -c ph -n ${here} -a ${fishQuote(`(${localBranches})`)}`] : []),
      ...note.options.map((option) => `complete -c ph -n ${here} ${fishOption(option)}`),
    ];
  });
  return `# Completion of ph for fish. Once:  ph completions fish > ~/.config/fish/completions/ph.fish
complete -c ph -f
${lines.join('\n')}
`;
}

/** Where a command’s words are offered: after its own, and before those of a command below it. */
function fishPlace({ words, children }: CommandNote): string {
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below =
    children.length === 0
      ? []
      : [`not __fish_seen_subcommand_from ${children.map(({ word }) => word).join(' ')}`];
  return fishQuote([...seen, ...below].join('; and '));
}

function fishOption({ flags, text, value }: OptionNote): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const given = value === 'none' ? [] : value === 'file' ? ['-r', '-F'] : ['-x'];
  const choices = Array.isArray(value) ? [`-a ${fishQuote(value.join(' '))}`] : [];
  return [...names, ...given, ...choices, `-d ${fishQuote(text)}`].join(' ');
}
