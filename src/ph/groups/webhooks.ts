// Telling other systems what happens in a repository.
import type { Command } from 'commander';
import { examples, repoOptions, type Choose } from '../options.ts';

const eventsText = 'what it is told of: push, run, review, landing, branch (first: all of them)';
const webhookText = 'its number, as ph webhook list says';
const load = () => import('../commands/webhook.ts');

export function addWebhooks(program: Command, choose: Choose): void {
  const commands = program
    .command('webhook')
    .description('other systems that are told what happens in the repository')
    .addHelpText(
      'after',
      examples('ph webhook add https://example.org/hook', 'ph webhook list', 'ph webhook deliveries 3'),
    );
  addSettings(commands, choose);
  addDeliveries(commands, choose);
}

function addSettings(commands: Command, choose: Choose): void {
  const command = (name: string) => repoOptions(commands.command(name));
  command('list')
    .description('where they lead, what they are told of, and how they do')
    .addHelpText('after', examples('ph webhook list', 'ph webhook list --json'))
    .action((options) => choose(async () => (await load()).listWebhooks(options)));
  command('add')
    .argument('<url>', 'where the receiver listens')
    .description('add one; its secret is printed once unless you bring one')
    .option('--events <events...>', eventsText)
    .option('--secret-file <file>', 'the secret that signs, from a file, - for standard input')
    .addHelpText(
      'after',
      examples(
        'ph webhook add https://example.org/hook --events push run',
        'ph webhook add https://ci.example.org --secret-file - < secret',
      ),
    )
    .action((url, options) => choose(async () => (await load()).addWebhook(url, options)));
  command('set')
    .argument('<webhook>', webhookText)
    .description('change it; what is not named stays as it is')
    .option('--url <url>', 'where the receiver listens')
    .option('--events <events...>', eventsText)
    .option('--on', 'tell it again, from now on')
    .option('--off', 'tell it nothing')
    .option('--secret-file <file>', 'another secret, from a file, - for standard input')
    .option('--new-secret', 'another secret, made by the forge and printed once')
    .addHelpText('after', examples('ph webhook set 3 --events push', 'ph webhook set 3 --off'))
    .action((webhook, options) => choose(async () => (await load()).changeWebhook(webhook, options)));
  command('remove')
    .argument('<webhook>', webhookText)
    .description('remove it; what waits is not sent')
    .addHelpText('after', examples('ph webhook remove 3'))
    .action((webhook, options) => choose(async () => (await load()).removeWebhook(webhook, options)));
}

function addDeliveries(commands: Command, choose: Choose): void {
  const command = (name: string) => repoOptions(commands.command(name));
  command('ping')
    .argument('<webhook>', webhookText)
    .description('send it a test, and say how the receiver answered')
    .addHelpText('after', examples('ph webhook ping 3'))
    .action((webhook, options) => choose(async () => (await load()).pingWebhook(webhook, options)));
  command('deliveries')
    .argument('<webhook>', webhookText)
    .argument('[delivery]', 'one of them, with its body and its attempts')
    .description('what it was sent and what came of it, newest first')
    .addHelpText('after', examples('ph webhook deliveries 3', 'ph webhook deliveries 3 41'))
    .action((webhook, delivery, options) =>
      choose(async () => (await load()).showDeliveries(webhook, delivery, options)),
    );
  command('redeliver')
    .argument('<webhook>', webhookText)
    .argument('<delivery>', 'its number, as ph webhook deliveries says')
    .description('send the same once more, and say how the receiver answered')
    .addHelpText('after', examples('ph webhook redeliver 3 41'))
    .action((webhook, delivery, options) =>
      choose(async () => (await load()).redeliver(webhook, delivery, options)),
    );
}
