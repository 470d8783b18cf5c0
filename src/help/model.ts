// How a branch lands, told once: for people on a page, for agents as a skill, a topic of `ph help` and the
// instructions of `ph mcp`.

export const landFlowTitle = 'Land a branch';

/** What it is for, in one sentence, as the heading of a skill file wants it. */
export const landFlowSummary =
  'Land a git branch on a pika-git forge with the ph command: fetch, rebase, push, wait for CI, fix what is red, merge, check the target.';

export interface FlowStep {
  title: string;
  commands: readonly string[];
  text: string;
}

export const landFlow: readonly FlowStep[] = [
  {
    title: 'Fetch',
    commands: ['git fetch'],
    text: 'Know the target as it is now, before anything else.',
  },
  {
    title: 'Rebase your own commits on the target',
    commands: ['git rebase origin/main'],
    text: 'The target is on the line "head" of ph status; main is usual. Resolve conflicts by hand. Never rebase or rewrite commits of others.',
  },
  {
    title: 'Push',
    commands: ['git push -u origin HEAD', 'git push --force-with-lease'],
    text: 'The first form for a new branch or new commits; the second only for your own branch after a rebase. Never force-push a target or the branch of somebody else.',
  },
  {
    title: 'Wait for CI',
    commands: ['ph wait'],
    text: 'It waits for the commit that is checked out here. Exit status 0: green. 1: red. 5: not pushed, or the branch has moved on: fetch and look. 6: timed out: wait again.',
  },
  {
    title: 'When it is red, read, fix, push again',
    commands: [
      'ph logs --failed',
      'ph run LANE',
      'git commit -am "Say what you fixed"',
      'git push',
      'ph wait',
    ],
    text: 'The failing tests come first, then the log. ph run runs a lane here, on the working tree. Fix the cause; do not drop a lane or a test to get green, and do not rerun until luck turns it green.',
  },
  {
    title: 'Land it',
    commands: ['ph land', 'ph merge'],
    text: 'ph land puts the branch into the landing queue and waits until it is on the target; ph merge lands it now when its gate is open. A refusal (exit status 1) lists everything that is missing and what satisfies it. Never force a merge that nobody asked you to force.',
  },
  {
    title: 'Check the target',
    commands: ['git fetch', 'git log -1 origin/main'],
    text: 'See that your change is there before you say that it is done.',
  },
];

export const landRules: readonly string[] = [
  'ph status says at any time what holds the branch and which command comes next.',
  'Never merge red without being told to, and never rewrite a remote silently.',
  'When CI is stuck (a lane that hangs, a run without lanes, nothing that starts), say so with what ph status shows; do not hide it. ph recover-run, ph requeue-lane and ph rerun --failed bring it on.',
  'Every command has --json (stable shapes) and --help. Exit status: 0 done, 1 the answer is no, 2 wrong use, 3 not signed in or not allowed, 4 not found, 5 moved, 6 timed out, 7 forge unreachable.',
  'Signed in with ph login, or by PH_URL and PH_TOKEN in the environment. ph finds the forge and the repository by the git remotes, the branch by HEAD.',
];

/** The flow as plain text, in Markdown that reads well unrendered. */
export function landFlowText(): string {
  const steps = landFlow.map(
    ({ title, commands, text }, index) =>
      `${index + 1}. ${title}\n\n${commands.map((command) => `       ${command}`).join('\n')}\n\n   ${text}`,
  );
  const rules = landRules.map((rule) => `- ${rule}`);
  return `# ${landFlowTitle}\n\n${steps.join('\n\n')}\n\n## Rules\n\n${rules.join('\n')}\n`;
}

/** The flow as a skill file for coding agents: a heading of its own with name and summary, then the text. */
export const skillText = (): string =>
  `---\nname: land-a-branch\ndescription: ${JSON.stringify(landFlowSummary)}\n---\n\n${landFlowText()}`;

/** What the exit statuses of ph mean, by their number. */
export const exitMeanings: readonly string[] = [
  'done',
  'the answer is no: red CI, a refused merge',
  'wrong use',
  'not signed in, or not allowed',
  'not found',
  'moved: the forge has another head than the one that is here',
  'timed out',
  'the forge is unreachable',
];
