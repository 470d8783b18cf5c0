// What others do meanwhile on the forge of rich-forge.ts: they push, talk, decide, land, and start it again.
import type { RichForge } from '../support/rich-forge.ts';

type Random = () => number;

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
const repo = '/repos/ada/app';

interface Known {
  branches: { number: number; head: string; state: string }[];
  pushed: number;
}

/** Does one thing and says what it was; what the forge refuses is a part of life, and told in brackets. */
export type Others = () => Promise<string>;

export function othersOn(rich: RichForge, random: Random): Others {
  const known: Known = { branches: [], pushed: 0 };
  return async () => {
    const listed = (await rich.api('ben', 'GET', `${repo}/branches?state=open`)) as unknown as {
      branches: { number: number; headOid?: string; head?: string; state: string; name: string }[];
    };
    const open = listed.branches.map(({ number }) => number);
    const act = pick(random, acts);
    const at = pick(random, open.length > 0 ? open : [1]);
    const { branch } = (await rich.api('ben', 'GET', `${repo}/branches/${at}`)) as {
      branch: { head: string; name: string };
    };
    known.pushed += 1;
    const place: Place = {
      rich,
      random,
      number: at,
      head: branch.head,
      name: branch.name,
      turn: known.pushed,
    };
    try {
      await act.does(place);
      return `${act.name} #${at}`;
    } catch (error) {
      const text = String(error);
      if (!/answered with 4\d\d|rejected|remote/.test(text)) throw error;
      return `(${act.name} #${at}: ${text.slice(0, 120)})`;
    }
  };
}

interface Place {
  rich: RichForge;
  random: Random;
  number: number;
  head: string;
  name: string;
  turn: number;
}

const lanes = (turn: number): string =>
  `[[lane]]\nid = "unit"\ncommand = "sleep 0.3; echo turn ${turn}; ${turn % 3 === 0 ? 'exit 1' : 'true'}"\n[[lane]]\nid = "more-${turn % 2}"\ncommand = "true"\n`;

const acts: { name: string; does: (place: Place) => Promise<unknown> }[] = [
  {
    name: 'pushes a new branch',
    does: ({ rich, turn }) =>
      rich.push('ben', {
        branch: `new-${turn}`,
        from: 'refs/heads/main',
        files: { [`src/new-${turn}.ts`]: `export const turn = ${turn};\n`, '.pika/lanes.toml': lanes(turn) },
        message: `Add the turn ${turn}\n\nFor a reason.\n`,
      }),
  },
  {
    name: 'pushes on',
    does: ({ rich, turn, name }) =>
      rich.push('ben', { branch: name, files: { 'run.sh': `echo ${turn}\n` }, message: `Go on ${turn}` }),
  },
  {
    name: 'rebases',
    does: ({ rich, turn, name }) =>
      rich.push('ben', {
        branch: name,
        from: 'refs/heads/main',
        files: {
          'README.md': `# App ${turn}\n`,
          'src/clock.ts': `export const hour = ${turn};\n`,
          '.pika/lanes.toml': lanes(turn),
        },
        message: `Rebased ${turn}`,
      }),
  },
  {
    name: 'comments on',
    does: ({ rich, number, turn }) =>
      rich.api('robot', 'POST', `${repo}/branches/${number}/threads`, {
        body: `Comment ${turn} @ada \`code\``,
      }),
  },
  {
    name: 'comments on a line of',
    does: ({ rich, number, head, turn }) =>
      rich.api('robot', 'POST', `${repo}/branches/${number}/threads`, {
        body: `Why **${turn}**?\n\n\`\`\`suggestion\nexport const better = ${turn};\n\`\`\``,
        path: 'src/clock.ts',
        line: 1,
        head,
      }),
  },
  {
    name: 'reviews',
    does: ({ rich, number, head, random }) =>
      rich.api('robot', 'POST', `${repo}/branches/${number}/reviews`, {
        verdict: pick(random, ['approve', 'changes', 'comment']),
        body: 'Seen.',
        head,
      }),
  },
  {
    name: 'holds',
    does: ({ rich, number, turn }) =>
      rich.api('ben', 'POST', `${repo}/branches/${number}/holds`, { reason: `Not yet ${turn}` }),
  },
  {
    name: 'merges',
    does: ({ rich, number, head }) => rich.api('ada', 'POST', `${repo}/branches/${number}/merge`, { head }),
  },
  {
    name: 'closes',
    does: ({ rich, number }) => rich.api('ben', 'POST', `${repo}/branches/${number}/close`, {}),
  },
  {
    name: 'reopens',
    does: ({ rich, random }) =>
      rich.api('ben', 'POST', `${repo}/branches/${1 + Math.floor(random() * 6)}/reopen`, {}),
  },
  {
    name: 'queues',
    does: ({ rich, number, head }) => rich.api('ada', 'POST', `${repo}/branches/${number}/land`, { head }),
  },
  { name: 'resumes the queue', does: ({ rich }) => rich.api('ada', 'POST', `${repo}/landings/resume`, {}) },
  {
    name: 'pauses the queue',
    does: ({ rich }) => rich.api('ada', 'POST', `${repo}/landings/pause`, { reason: 'a rest' }),
  },
  {
    name: 'writes the tutorial again',
    does: ({ rich, number }) => rich.api('ben', 'POST', `${repo}/branches/${number}/tutorial/write`, {}),
  },
  { name: 'runs again', does: ({ rich }) => rich.api('ada', 'POST', `${repo}/runs/1/rerun`, {}) },
];
