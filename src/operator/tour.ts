// The commits of the sample repository, kept as plain files under tour/, as a stream for `git fast-import`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const folder = new URL('./tour/', import.meta.url).pathname;

const commitList = z.array(
  z.strictObject({
    branch: z.string(),
    /** The branch this one starts at; a later commit of a branch goes on where it was. */
    from: z.string().optional(),
    files: z.string(),
    message: z.string(),
  }),
);

/** The commits of one branch of the tour; `now` in UTC milliseconds dates them. */
export function tourStream(branch: string, now: number): Buffer {
  const all = commitList.parse(JSON.parse(readFileSync(join(folder, 'commits.json'), 'utf8')));
  const parts: Buffer[] = [];
  for (const commit of all.filter((candidate) => candidate.branch === branch)) {
    const from = commit.from === undefined ? '' : `from refs/heads/${commit.from}^0\n`;
    parts.push(
      Buffer.from(
        `commit refs/heads/${branch}\ncommitter pika <tour@forge.invalid> ${Math.floor(now / 1000)} +0000\n`,
      ),
      data(Buffer.from(commit.message)),
      Buffer.from(from),
      ...fileChanges(join(folder, commit.files)),
      Buffer.from('\n'),
    );
  }
  return Buffer.concat(parts);
}

function fileChanges(root: string): Buffer[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) =>
      Buffer.concat([Buffer.from(`M 644 inline ${path.slice(root.length + 1)}\n`), data(readFileSync(path))]),
    );
}

const data = (content: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`data ${content.length}\n`), content, Buffer.from('\n')]);
