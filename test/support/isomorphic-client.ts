// isomorphic-git, the git in JavaScript that runs in browsers too: HTTP only, protocol v1 and v2, no git behind it.
import fs from 'node:fs';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import type { OtherClient } from './other-clients.ts';
import type { ProgramResult } from './run-program.ts';

export function isomorphicClient(): OtherClient {
  return {
    clone: (url, dir) => saying((onMessage) => git.clone({ fs, http, dir, url, onMessage })),
    fetch: (dir) => saying((onMessage) => git.fetch({ fs, http, dir, remote: 'origin', onMessage })),
    push: (dir, refspec) => saying((onMessage) => push(dir, refspec, onMessage)),
  };
}

async function push(dir: string, refspec: string, onMessage: (text: string) => void): Promise<unknown> {
  const [source = '', target = source] = refspec.replace(/^\+/, '').split(':');
  const force = refspec.startsWith('+');
  if (source === '') {
    return git.push({
      fs,
      http,
      dir,
      remote: 'origin',
      ref: target,
      remoteRef: target,
      delete: true,
      onMessage,
    });
  }
  return git.push({ fs, http, dir, remote: 'origin', ref: source, remoteRef: target, force, onMessage });
}

/** In the shape of a program's end: what it said, and 1 when it threw. */
async function saying(body: (onMessage: (text: string) => void) => Promise<unknown>): Promise<ProgramResult> {
  let stderr = '';
  const onMessage = (text: string): void => void (stderr += text);
  try {
    await body(onMessage);
    return { status: 0, stdout: '', stderr };
  } catch (error) {
    const { message, data } = error as Error & { data?: unknown };
    return { status: 1, stdout: '', stderr: `${stderr}${message}\n${JSON.stringify(data) ?? ''}` };
  }
}
