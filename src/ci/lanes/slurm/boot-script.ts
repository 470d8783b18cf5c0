// The script of a job. Slurm keeps it where only its own user and the forge's can read it; the credential stands in it and
// nowhere else, in no argument and no environment.

/** What the agent is started with; it knows the job and the node by itself. */
export interface Boot {
  url: string;
  /** Good for one attempt. */
  credential: string;
  /** Of the agent's program, which a node fetches once. */
  sha256: string;
  path: string;
  scratch: string;
  sandbox: string;
  allowUnsandboxed: boolean;
}

/** The agent's exit status when the forge refused it the claim. */
export const refusedStatus = 75;
/** When the forge was not reached, and when Node is older than what the agent is written for. */
export const unreachableStatus = 69;
export const oldNodeStatus = 78;

const authorities = '/etc/ssl/certs/ca-certificates.crt';

/** What Debian has (agent-program.ts). */
const oldestNode = 20;

/** Runs with Node alone; the folder of programs may lie where others can write, so it must be ours alone. */
const program = `
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
if (Number.parseInt(process.versions.node, 10) < ${oldestNode}) process.exit(${oldNodeStatus});
const { sha256, ...start } = boot;
const folder = start.scratch + '/pika-agent-' + process.getuid();
mkdirSync(folder, { recursive: true, mode: 0o700 });
const stat = lstatSync(folder);
if (!stat.isDirectory() || stat.uid !== process.getuid() || (stat.mode & 0o022) !== 0) {
  throw new Error(folder + ' belongs to somebody else');
}
const file = folder + '/' + sha256 + '.mjs';
const isWhole = (code) => createHash('sha256').update(code).digest('hex') === sha256;
const read = () => {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
};
if (!isWhole(read())) {
  const answer = await fetch(new URL('/api/v1/agent/program', start.url), {
    headers: { authorization: 'Bearer ' + start.credential },
    redirect: 'error',
  }).catch(() => process.exit(${unreachableStatus}));
  if (answer.status === 401 || answer.status === 409) process.exit(${refusedStatus});
  const code = Buffer.from(await answer.arrayBuffer());
  if (!isWhole(code)) throw new Error('the forge answered ' + answer.status + ' and not the agent');
  const part = file + '.' + process.pid;
  writeFileSync(part, code, { mode: 0o600 });
  renameSync(part, file);
}
const { runAgent } = await import(pathToFileURL(file).href);
const [, , job = '', node = ''] = process.argv;
process.exit(await runAgent({ ...start, job, node }));
`;

export function bootScript(boot: Boot): string {
  const path = `'${boot.path.replaceAll("'", String.raw`'\''`)}'`;
  return `#!/bin/sh
umask 077
PATH=${path}
export PATH
# Node trusts its own list of authorities, and not the one that the machine keeps; a forge may have one of its house.
[ ! -r ${authorities} ] || export NODE_EXTRA_CA_CERTS=${authorities}
exec node --input-type=module - "$SLURM_JOB_ID" "$SLURMD_NODENAME" <<'END_OF_BOOT'
const boot = ${JSON.stringify(boot)};
${program.trim()}
END_OF_BOOT
`;
}
