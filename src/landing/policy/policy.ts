// What a target asks of every branch that wants to land on it: .pika/policy.toml, read from the target's commit, so that
// no branch changes what it is judged by (SECURITY L2).
import { parse as parseToml, TomlError } from 'smol-toml';
import type { Forge } from '../../forge/open.ts';
import { readObject } from '../../git/object-reader.ts';
import { ForgeError } from '../../lib/errors.ts';
import { Recent } from '../../lib/recent.ts';
import type { MergeMethod, Repo } from '../../repos/model.ts';
import { repoPath } from '../../repos/path.ts';
import { issueRefusal, policyPath, refusal } from './policy-refusal.ts';
import { policySchema } from './policy-schema.ts';

export interface OwnerRule {
  /** Patterns of paths. */
  paths: string[];
  /** Names of accounts; one of them must have approved what touches the paths. */
  owners: string[];
}

export interface GatePolicy {
  /** Approvals that are wanted; the author's own never counts. */
  approvals: number;
  agentsCount: boolean;
  resolvedThreads: boolean;
  /** Whether the branch must contain the tip of its target. */
  upToDate: boolean;
  /** What a push that changes the patch does to the approvals before it. */
  staleApprovals: 'keep' | 'dismiss';
  owners: OwnerRule[];
  size: { maxFiles?: number; maxAddedLines?: number; maxFileBytes?: number };
  secrets: { refuse: boolean; allowPaths: string[] };
}

export interface LandingPolicy {
  gate: GatePolicy;
  landing: {
    /** At most so many branches in one candidate. */
    batch: number;
    /** Candidates that are tested at once, each on the one before. */
    speculation: number;
    /** In place of the repository's own. */
    method: MergeMethod | undefined;
    maxWaitMinutes: number;
  };
}

const maxPolicyBytes = 262_144;
const keptBytes = 8 * 1024 * 1024;

/** The policy that a text spells. Refuses (`invalid`) with the line, the key and what was expected there. */
export function parsePolicy(text: string): LandingPolicy {
  const parsed = policySchema.safeParse(tablesOf(text));
  if (!parsed.success) {
    // A mistyped key is the cause of a missing one; it is told first.
    const { issues } = parsed.error;
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    throw issue === undefined ? refusal('it is not understood') : issueRefusal(text, issue);
  }
  const { gate, landing } = parsed.data;
  return {
    gate: {
      approvals: gate.approvals,
      agentsCount: gate.agents_count,
      resolvedThreads: gate.resolved_threads,
      upToDate: gate.up_to_date,
      staleApprovals: gate.stale_approvals,
      owners: gate.owners,
      size: sizeOf(gate.size),
      secrets: { refuse: gate.secrets.refuse, allowPaths: gate.secrets.allow_paths },
    },
    landing: {
      batch: landing.batch,
      speculation: landing.speculation,
      method: landing.method,
      maxWaitMinutes: landing.max_wait_minutes,
    },
  };
}

const kept = new WeakMap<Forge, Recent<Promise<LandingPolicy>>>();

/**
 * The policy at a commit of the target; a commit without one asks for nothing. Refuses (`invalid`) a policy that cannot
 * be read: whoever asks must take that for a closed gate. `targetOid` is a full object id.
 */
export function readPolicy(forge: Forge, repo: Pick<Repo, 'id'>, targetOid: string): Promise<LandingPolicy> {
  const policies = kept.get(forge) ?? new Recent<Promise<LandingPolicy>>(keptBytes);
  kept.set(forge, policies);
  const key = `${repo.id}:${targetOid}`;
  const known = policies.find(key);
  if (known !== undefined) return known;
  const policy = policyAt(forge, repoPath(forge, repo.id), targetOid);
  // A commit never says something else later, and neither does its refusal; a fault of git may pass.
  policies.keep(key, policy, 4096);
  policy.catch((error: unknown) => {
    const isSaid = error instanceof ForgeError && error.code === 'invalid';
    if (!isSaid && policies.find(key) === policy) policies.drop(key);
  });
  return policy;
}

async function policyAt(forge: Forge, path: string, oid: string): Promise<LandingPolicy> {
  const expression = `${oid}:${policyPath}`;
  const object = await readObject(forge.git, path, { expression, maxBytes: maxPolicyBytes });
  if (object === undefined) {
    if (await isNamed(forge, path, oid))
      throw refusal('it is there, but its content is not; expected a file');
    return parsePolicy('');
  }
  if (object.type !== 'blob') throw refusal('it is a folder; expected a file');
  if (object.content === undefined) {
    throw refusal(`it has ${object.size} bytes; expected at most ${maxPolicyBytes}`);
  }
  return parsePolicy(object.content.toString('utf8'));
}

/** A lost object, or a link to another repository, answers as if nothing were there. */
async function isNamed(forge: Forge, path: string, oid: string): Promise<boolean> {
  const [folder = '', file = ''] = policyPath.split('/');
  const expression = `${oid}:${folder}`;
  const tree = await readObject(forge.git, path, { expression, maxBytes: maxPolicyBytes });
  return tree !== undefined && tree.content?.includes(` ${file}\0`) !== false;
}

function tablesOf(text: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const summary = error.message.split('\n')[0] ?? 'not TOML';
    throw refusal(summary.replace(/^Invalid TOML document: /, 'this is not TOML: '), error.line);
  }
}

function sizeOf(given: {
  max_files?: number | undefined;
  max_added_lines?: number | undefined;
  max_file_bytes?: number | undefined;
}): GatePolicy['size'] {
  const { max_files: maxFiles, max_added_lines: maxAddedLines, max_file_bytes: maxFileBytes } = given;
  return {
    ...(maxFiles === undefined ? {} : { maxFiles }),
    ...(maxAddedLines === undefined ? {} : { maxAddedLines }),
    ...(maxFileBytes === undefined ? {} : { maxFileBytes }),
  };
}
