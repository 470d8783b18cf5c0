// A branch under review in a real repository: its author, two who may write, one who may only read, and pushes.
import type { Account, Caller } from '../../src/accounts/model.ts';
import { findOpenBranch, getBranch } from '../../src/branches/find.ts';
import type { Branch } from '../../src/branches/model.ts';
import { scanRepo } from '../../src/branches/scan.ts';
import { setMember } from '../../src/repos/members.ts';
import type { Repo } from '../../src/repos/model.ts';
import { readPatches } from '../../src/reviews/patches.ts';
import type { TestForge } from '../support/forge.ts';
import { pushFiles, type Files } from '../support/push-files.ts';

export interface Person {
  account: Account;
  caller: Caller;
}

export interface StagedReview {
  test: TestForge;
  repo: Repo;
  /** Owns the repository. */
  owner: Person;
  /** Wrote the branch. */
  author: Person;
  /** May write. */
  reviewer: Person;
  /** May only read. */
  reader: Person;
  /** The branch as its row is now. */
  branch: () => Branch;
  /** Pushes a revision by somebody, on a base that is the target's tip unless it is given. */
  push: (files: Files, options?: { by?: Person; from?: string }) => Promise<string>;
  /** Moves the target on. */
  moveTarget: (files: Files) => Promise<string>;
  /** What the loop does after a push. */
  settle: () => Promise<void>;
}

export const numbered = (count: number, name = 'line'): string =>
  Array.from({ length: count }, (_, index) => `${name} ${index + 1}\n`).join('');

/** Opens review of `ada/NAME`, whose target has `files`; each name is used once in a forge. */
export async function stageReview(
  test: TestForge,
  options: { name: string; files: Files; change: Files; visibility?: 'public' },
): Promise<StagedReview> {
  const { forge } = test;
  const person = (name: string): Person => test.account(`${name}-${options.name}`);
  const [owner, author, reviewer, reader] = ['owner', 'author', 'reviewer', 'reader'].map(person) as [
    Person,
    Person,
    Person,
    Person,
  ];
  const { visibility } = options;
  const repo = await test.repo(`${owner.account.name}/${options.name}`, {
    files: options.files,
    ...(visibility === undefined ? {} : { visibility }),
  });
  const folder = test.repoFolder(repo);
  const order = { repo, caller: owner.caller };
  setMember(forge, { ...order, account: author.account.name, role: 'write' });
  setMember(forge, { ...order, account: reviewer.account.name, role: 'write' });
  setMember(forge, { ...order, account: reader.account.name, role: 'read' });
  let id = 0;
  const push: StagedReview['push'] = async (files, { by = author, from = 'refs/heads/main' } = {}) => {
    const head = await pushFiles(forge.git, { repo: folder, branch: 'work', from, files });
    await scanRepo(forge, repo);
    id ||= findOpenBranch(forge, repo.id, 'work')!.id;
    const who = { id, account: by.account.id, author: author.account.id };
    forge.db.run('UPDATE branches SET author_id = :author WHERE id = :id', { id, author: who.author });
    forge.db.run(
      'UPDATE revisions SET pushed_by = :account WHERE branch_id = :id AND number = (SELECT revision FROM branches WHERE id = :id)',
      { id, account: who.account },
    );
    return head;
  };
  await push(options.change);
  return {
    test,
    repo,
    owner,
    author,
    reviewer,
    reader,
    branch: () => getBranch(forge, id),
    push,
    moveTarget: (files) => pushFiles(forge.git, { repo: folder, branch: 'main', files }),
    settle: () => readPatches(forge),
  };
}
