// The help: what there is to know to use this forge, with its own addresses in every command.
import { Router, type Response } from 'express';
import { callerOf } from '../accounts/guard.ts';
import { ForgeError } from '../lib/errors.ts';
import { bracketed, publicOrigin, sshAddress, type Forge } from '../forge/open.ts';
import { render } from '../web/render.ts';
import { exitMeanings, landFlow, landRules } from './model.ts';
import { apiPage, type DescribedApi } from './route-api.ts';
import { companionRoutes } from './route-ph.ts';

interface Topic {
  name: string;
  title: string;
  about: string;
}

const start: Topic = { name: 'index', title: 'Help', about: '' };
const topics: readonly Topic[] = [
  {
    name: 'push',
    title: 'First push',
    about: 'A new repository, a branch, and what to do when a push is refused.',
  },
  {
    name: 'lanes',
    title: 'Lanes',
    about: 'What runs for a branch: .pika/lanes.toml, secrets, what waits or fails.',
  },
  {
    name: 'landing',
    title: 'Landing',
    about: 'From fetch to the target; the gate, its policy, and the landing queue.',
  },
  {
    name: 'review',
    title: 'Reviewing',
    about: 'From the inbox to the verdict: tutorial, changes, comments, what changed since.',
  },
  { name: 'ph', title: 'ph', about: 'This forge in a terminal, in scripts and for coding agents.' },
  {
    name: 'keys',
    title: 'Keys and sign-in',
    about: 'SSH keys, Nostr keys, passkeys, tokens, and who may do what.',
  },
  { name: 'keyboard', title: 'Keyboard', about: 'Every key, by the page it works on.' },
  { name: 'operating', title: 'Operating', about: 'Settings, people, a stuck CI, backups.' },
];
const api: Topic = { name: 'api', title: 'API', about: 'Every route, its right and its shapes.' };
const linked = [
  { ...start, path: '/help' },
  ...[...topics, api].map((topic) => ({ ...topic, path: `/help/${topic.name}` })),
];

export function helpPages(forge: Forge, described: DescribedApi): Router {
  const { version } = described;
  const router = Router();
  const show = (response: Response, topic: Topic): void =>
    render(response, `help/${topic.name}.njk`, {
      topic,
      topics: linked,
      flow: landFlow,
      rules: landRules,
      statuses: exitMeanings,
      me: callerOf(response).account?.name ?? 'YOU',
      version,
      ...addressesOf(forge),
    });
  router.use(companionRoutes(forge, version));
  router.use(apiPage(forge, described, { topic: api, topics: linked }));
  router.get('/help', (_request, response) => show(response, start));
  router.get('/help/:topic', (request, response, next) => {
    const topic = topics.find(({ name }) => name === request.params.topic);
    if (topic !== undefined) return show(response, topic);
    // The page that describes the API is made from its routes, elsewhere.
    if (request.params.topic === api.name) return next();
    throw new ForgeError(
      'not_found',
      `There is no help on ${request.params.topic}; /help lists what there is.`,
    );
  });
  return router;
}

function addressesOf(forge: Forge): Record<string, unknown> {
  const { host, port } = sshAddress(forge.config);
  const isUsual = port === 22;
  const { origin } = new URL(publicOrigin(forge.config));
  return {
    origin,
    install: `curl -fsSL ${origin}/ph | sh`,
    sshHost: host,
    sshOption: isUsual ? '' : ` -p ${port}`,
    ssh: `ssh://git@${bracketed(host)}${isUsual ? '' : `:${port}`}`,
  };
}
