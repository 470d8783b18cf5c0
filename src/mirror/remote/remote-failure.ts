// Why a remote did not do what was asked, in words for whoever looks after it. Git tells it in text alone.

export const remoteFailureKinds = ['credential', 'host-key', 'unreachable', 'not-found', 'other'] as const;
export type RemoteFailureKind = (typeof remoteFailureKinds)[number];

export interface RemoteFailure {
  kind: RemoteFailureKind;
  /** Ends with what the remote or git itself said. */
  sentence: string;
}

const maxWords = 400;

const known: [pattern: RegExp, kind: RemoteFailureKind, sentence: string][] = [
  [
    /out of memory|cannot allocate memory|unable to create thread/i,
    'other',
    'The remote sends more than git may keep in its memory; an operator can allow it more with mirror.maxGitMemoryBytes.',
  ],
  [
    /hash algorithm|mismatched algorithms/i,
    'other',
    'The remote names objects by SHA-256, which this forge does not keep.',
  ],
  [
    /host key verification failed|remote host identification has changed/i,
    'host-key',
    'The server shows another key than before. Compare it with what its operator says, and forget the old one only when that is right.',
  ],
  [
    /authentication failed|could not read (?:username|password)|permission denied \(|returned error: 40[13]|access denied/i,
    'credential',
    'The remote does not take the credential. Give it another token, or add the deploy key there.',
  ],
  [
    /returned error: 3\d\d|unable to update url base from redirection/i,
    'unreachable',
    'The remote answers with a redirect, which is not followed. Give it the address where it ends.',
  ],
  [
    /repository .*not found|does not appear to be a git repository|returned error: 404|repository does not exist|no such (?:file|repo)/i,
    'not-found',
    'There is no repository at this address, or the credential may not see it.',
  ],
  [
    /could not resolve|connection (?:refused|reset|closed|timed out)|timed out|failed to connect|unreachable|no route to host|ssl|certificate|operation too slow|returned error: 5\d\d|early eof|hung up|curl \d+/i,
    'unreachable',
    'The remote cannot be reached now.',
  ],
];

/** `said` is what git wrote to standard error, redacted. */
export function failureOf(said: string): RemoteFailure {
  const words = lastWords(said);
  const [, kind, sentence] = known.find(([pattern]) => pattern.test(said)) ?? [];
  const quoted = words === '' ? '' : ` It said: ${words}`;
  if (kind === undefined || sentence === undefined) {
    return { kind: 'other', sentence: `The remote refused.${quoted}` };
  }
  return { kind, sentence: `${sentence}${quoted}` };
}

/** The remote's own lines and git's last complaint, on one line, without anything that moves a cursor. */
export function lastWords(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.replace(/\p{C}+/gu, ' ').trim())
    .filter((line) => /^(?:remote:|fatal:|error:|ssh:|! )|denied|failed/i.test(line));
  const words = [...new Set(lines)].join(' · ');
  return words.length <= maxWords ? words : `…${words.slice(-maxWords)}`;
}
