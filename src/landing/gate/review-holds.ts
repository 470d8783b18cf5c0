// What people decided of a branch, held against what its target asks for: approvals, changes that are asked for, threads,
// and the owners of the paths it touches.
import type { Forge } from '../../forge/open.ts';
import { compileGlob } from '../../lib/glob.ts';
import type { ReviewState, Verdict } from '../../reviews/model.ts';
import { reviewState } from '../../reviews/find.ts';
import { countOf, holdOf, someOf } from './hold-of.ts';
import type { Findings, GateQuestion } from './question.ts';
import type { GateMet } from '../model.ts';
import type { GatePolicy, OwnerRule } from '../policy/policy.ts';

// Characters of patterns times characters of paths: about a second of matching at worst.
const maxSteps = 200_000_000;

/** Approvals, changes asked for and threads; owners are asked for separately, because git has to name the paths. */
export function examineReviews(
  forge: Forge,
  { repo, branch }: GateQuestion,
  policy: GatePolicy,
): Findings & { approvals: Verdict[] } {
  const state = reviewState(forge, { repo, branch });
  const approvals = state.approvals.filter(({ isCurrent }) => isCurrent || policy.staleApprovals === 'keep');
  const parts = [
    examineApprovals(approvals, state, policy),
    changesAsked(state),
    examineThreads(state, policy),
  ];
  return {
    approvals,
    holds: parts.flatMap(({ holds }) => holds),
    met: parts.flatMap(({ met }) => met),
  };
}

function examineApprovals(approvals: Verdict[], state: ReviewState, policy: GatePolicy): Findings {
  if (policy.approvals === 0) return { holds: [], met: [] };
  const counted = approvals.filter(({ kind }) => kind === 'person' || policy.agentsCount);
  const names = someOf(counted.map(({ name }) => name));
  if (counted.length >= policy.approvals) {
    const message = `Approved by ${names}${policy.approvals > 1 ? ` (${policy.approvals} wanted)` : ''}`;
    return { holds: [], met: [{ kind: 'approvals', message }] };
  }
  const stale = state.approvals.length - approvals.length;
  const agents = approvals.length - counted.length;
  const notes = [
    stale === 0 ? '' : `${countOf(stale, 'approval')} ended when the patch changed.`,
    agents === 0 ? '' : `${countOf(agents, 'approval')} by agents ${agents === 1 ? 'does' : 'do'} not count.`,
  ].filter((note) => note !== '');
  const have = counted.length === 0 ? 'none' : `${counted.length}, of ${names}`;
  const wanted = countOf(policy.approvals, 'approval');
  const message = [
    `${wanted} wanted, and there ${counted.length < 2 ? 'is' : 'are'} ${have}.`,
    ...notes,
  ].join(' ');
  const who = policy.agentsCount ? 'Somebody' : 'A person';
  const wayOut = `${who} with the right to write, who did not push it, approves it: ph review --approve`;
  return { holds: [holdOf('approval_missing', { message, wayOut })], met: [] };
}

/** Whoever may write can ask for changes; it holds until they say otherwise, whatever the policy asks for. */
function changesAsked({ changesAsked: asked }: ReviewState): Findings {
  if (asked.length === 0) return { holds: [], met: [] };
  const names = someOf(asked.map(({ name }) => name));
  const earlier = asked.some(({ isCurrent }) => isCurrent) ? '' : ' That was said of an earlier patch.';
  const says = {
    message: `${names} ${asked.length === 1 ? 'asks' : 'ask'} for changes.${earlier}`,
    wayOut: `Push what is asked for, and let ${names} look again: ph review --approve`,
  };
  return { holds: [holdOf('changes_asked', says)], met: [] };
}

function examineThreads({ unresolvedThreads, threads }: ReviewState, policy: GatePolicy): Findings {
  if (!policy.resolvedThreads || threads === 0) return { holds: [], met: [] };
  if (unresolvedThreads === 0) {
    return { holds: [], met: [{ kind: 'threads', message: `${countOf(threads, 'thread')} resolved` }] };
  }
  const message = `${countOf(unresolvedThreads, 'thread')} of ${threads} ${unresolvedThreads === 1 ? 'is' : 'are'} not resolved.`;
  const wayOut = 'Answer and resolve them on the tab Discussion.';
  return { holds: [holdOf('unresolved_threads', { message, wayOut })], met: [] };
}

/** `changed`: the paths of the change, undefined when there are too many to tell; every rule is asked for then. */
export function examineOwners(
  rules: readonly OwnerRule[],
  question: {
    changed: readonly string[] | undefined;
    approvals: readonly Verdict[];
    authors: readonly string[];
  },
): Findings {
  const approvers = new Set(question.approvals.map(({ name }) => name.toLowerCase()));
  const changed = isAffordable(rules, question.changed) ? question.changed : undefined;
  const findings: Findings = { holds: [], met: [] };
  for (const rule of rules) {
    if (!isTouched(rule, changed)) continue;
    const owners = new Set(rule.owners.map((name) => name.toLowerCase()));
    const by = rule.owners.find((name) => approvers.has(name.toLowerCase()));
    const places = someOf(rule.paths, 3);
    if (by !== undefined) findings.met.push(ownersMet(`${places}: approved by ${by}`));
    else if (isWrittenBy(owners, question.authors))
      findings.met.push(ownersMet(`${places}: written by an owner`));
    else {
      findings.holds.push(
        holdOf('owner_approval_missing', {
          message: `It changes ${places}, which ${someOf(rule.owners)} ${rule.owners.length === 1 ? 'owns' : 'own'}.`,
          wayOut: `${rule.owners.length === 1 ? rule.owners[0] : 'One of them'} approves it: ph review --approve`,
        }),
      );
    }
  }
  return findings;
}

const ownersMet = (message: string): GateMet => ({ kind: 'owners', message });

/** Nobody approves their own work, so a change that owners alone have pushed needs no owner beside them. */
const isWrittenBy = (owners: ReadonlySet<string>, authors: readonly string[]): boolean =>
  authors.length > 0 && authors.every((name) => owners.has(name.toLowerCase()));

/** Whoever pushes writes the paths; what would hold up the forge is taken for a touch of every rule. */
function isAffordable(rules: readonly OwnerRule[], changed: readonly string[] | undefined): boolean {
  const lengthOf = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);
  return lengthOf(rules.flatMap(({ paths }) => paths)) * lengthOf(changed ?? []) <= maxSteps;
}

function isTouched({ paths }: OwnerRule, changed: readonly string[] | undefined): boolean {
  if (changed === undefined) return true;
  const patterns = paths.map(compileGlob);
  return changed.some((path) => patterns.some((matches) => matches(path)));
}
