// What there is now, a row for each figure of /metrics. A domain that has something to show adds its rows here.
import { statSync } from 'node:fs';
import { memoryUsage, resourceUsage, uptime } from 'node:process';
import { performance } from 'node:perf_hooks';
import { diskRoom } from '../forge/disk.ts';
import type { Forge } from '../forge/open.ts';
import { loopStates, type LoopStatus } from '../lib/loop.ts';
import { mailState } from '../mail/find.ts';
import { watchMirrors } from '../mirror/find.ts';
import { getRepo } from '../repos/find.ts';
import { fullName } from '../repos/model.ts';
import type { EventLoopDelay } from './event-loop.ts';
import type { GaugeRow, Reading } from './figures.ts';
import {
  countBranches,
  countDeliveries,
  countLandings,
  countOne,
  countRunningLanes,
  countTutorials,
  countWaitingLanes,
  databaseBytes,
  lfsBytes,
  type Count,
} from './store.ts';

export interface Measured {
  version: string;
  loops: () => LoopStatus[];
  delay: () => EventLoopDelay;
  quarantined: () => number;
  /** Git clients that are served, and that wait for a place. */
  gitClients: () => { served: number; waiting: number };
  livePages: () => number;
  /** The threads that render, and what waits for them. */
  renderLoad: () => { threads: number; waiting: number };
}

export const gaugeRows = (forge: Forge, measured: Measured): GaugeRow[] => [
  ...programRows(measured),
  ...loopRows(measured),
  ...repoRows(forge),
  ...laneRows(forge, measured),
  ...queueRows(forge, measured),
  ...mirrorRows(forge),
  ...diskRows(forge),
];

/** Under the names that every program of Node has, so that known dashboards show them. */
const programRows = ({ version, delay, livePages, renderLoad }: Measured): GaugeRow[] => [
  {
    name: 'pika_build_info',
    help: 'The version of the forge and of Node.',
    labels: ['version', 'node'],
    read: () => [{ labels: { version, node: process.version }, value: 1 }],
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the forge was started, in seconds since 1970.',
    read: () => Math.round(Date.now() / 1000 - uptime()),
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'Processor time that the forge itself used, without the programs that it starts.',
    read: () => (resourceUsage().userCPUTime + resourceUsage().systemCPUTime) / 1e6,
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Memory of the forge itself, without its SSH server and what starts git.',
    read: () => memoryUsage.rss(),
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    help: 'What of the memory is objects of the program.',
    read: () => memoryUsage().heapUsed,
  },
  {
    name: 'pika_event_loop_delay_seconds',
    help: 'How long what is due waits for the program, over about the last minute.',
    labels: ['quantile'],
    read: () => {
      const { p50Ms, p99Ms, maxMs } = delay();
      const of = (quantile: string, ms: number) => ({ labels: { quantile }, value: ms / 1000 });
      return [of('0.5', p50Ms), of('0.99', p99Ms), of('1', maxMs)];
    },
  },
  {
    name: 'pika_event_loop_utilization',
    help: 'The part of its time since the start that the program worked in.',
    read: () => performance.eventLoopUtilization().utilization,
  },
  { name: 'pika_live_pages', help: 'Pages that are open and hear what changes.', read: livePages },
  {
    name: 'pika_render_threads',
    help: 'Threads that colour code and render texts.',
    read: () => renderLoad().threads,
  },
  {
    name: 'pika_render_waiting',
    help: 'Texts that wait for a thread that renders.',
    read: () => renderLoad().waiting,
  },
];

const loopRows = ({ loops }: Measured): GaugeRow[] => {
  const each = (value: (loop: LoopStatus) => number | undefined): Reading =>
    loops().flatMap((loop) => {
      const read = value(loop);
      return read === undefined ? [] : [{ labels: { loop: loop.name }, value: read }];
    });
  return [
    {
      name: 'pika_loop_state',
      help: 'The state of each loop: 1 for the one that it is in.',
      labels: ['loop', 'state'],
      read: () =>
        loops().flatMap(({ name, state }) =>
          loopStates.map((one) => ({ labels: { loop: name, state: one }, value: Number(one === state) })),
        ),
    },
    {
      name: 'pika_loop_last_success_seconds',
      help: 'When the last pass that did not fail ended, in seconds since 1970.',
      labels: ['loop'],
      read: () => each(({ lastSuccessAt }) => lastSuccessAt && lastSuccessAt / 1000),
    },
    {
      name: 'pika_loop_failures',
      help: 'Passes that failed since the last one that did not.',
      labels: ['loop'],
      read: () => each(({ failures }) => failures),
    },
    {
      name: 'pika_loop_passes_total',
      help: 'Passes since the start.',
      labels: ['loop'],
      read: () => each(({ passes }) => passes),
    },
    {
      name: 'pika_loop_pass_seconds',
      help: 'How long the last pass took.',
      labels: ['loop'],
      read: () => each(({ lastMs }) => lastMs && lastMs / 1000),
    },
  ];
};

const byLabel = (label: string, counts: readonly Count[]): Reading =>
  counts.map(({ label: value, count }) => ({ labels: { [label]: value }, value: count }));

const repoRows = (forge: Forge): GaugeRow[] => [
  { name: 'pika_repositories', help: 'Repositories.', read: () => countOne(forge.db, 'repos') },
  {
    name: 'pika_accounts',
    help: 'Accounts, of people, agents and the forge itself.',
    read: () => countOne(forge.db, 'accounts'),
  },
  {
    name: 'pika_branches',
    help: 'Branches by state.',
    labels: ['state'],
    read: () => byLabel('state', countBranches(forge.db)),
  },
];

const laneRows = (forge: Forge, { quarantined }: Measured): GaugeRow[] => [
  {
    name: 'pika_lanes_waiting',
    help: 'Lanes that wait, by why.',
    labels: ['reason'],
    read: () => byLabel('reason', countWaitingLanes(forge.db)),
  },
  {
    name: 'pika_lanes_running',
    help: 'Lanes that run, by where.',
    labels: ['target'],
    read: () => byLabel('target', countRunningLanes(forge.db)),
  },
  {
    name: 'pika_lane_places',
    help: 'How many lanes may run at once, by where.',
    labels: ['target'],
    read: () => {
      const { concurrency, targets } = forge.config.ci;
      const others = Object.entries(targets).map(([target, one]) => ({
        labels: { target },
        value: one.concurrency,
      }));
      return [{ labels: { target: 'local' }, value: concurrency }, ...others];
    },
  },
  {
    name: 'pika_lane_places_lost',
    help: 'Places on this machine that cannot be used, for programs in them cannot be ended.',
    read: quarantined,
  },
  { name: 'pika_ci_paused', help: '1 while CI is paused.', read: () => countOne(forge.db, 'ci_pause') },
];

const queueRows = (forge: Forge, { gitClients }: Measured): GaugeRow[] => [
  {
    name: 'pika_landings',
    help: 'Entries of the landing queues by state.',
    labels: ['state'],
    read: () => byLabel('state', countLandings(forge.db)),
  },
  {
    name: 'pika_tutorials',
    help: 'Tutorials that are to be written, by state.',
    labels: ['state'],
    read: () => byLabel('state', countTutorials(forge.db)),
  },
  {
    name: 'pika_webhook_deliveries',
    help: 'What webhooks have still to tell, by state.',
    labels: ['state'],
    read: () => byLabel('state', countDeliveries(forge.db)),
  },
  { name: 'pika_mails_waiting', help: 'Mails that wait.', read: () => mailState(forge, 0).waiting },
  {
    name: 'pika_git_clients',
    help: 'Git clients that are served, and that wait for a place.',
    labels: ['state'],
    read: () => {
      const { served, waiting } = gitClients();
      return [
        { labels: { state: 'served' }, value: served },
        { labels: { state: 'waiting' }, value: waiting },
      ];
    },
  },
];

const mirrorRows = (forge: Forge): GaugeRow[] => {
  const labels = ['repo', 'mirror'];
  const read = (value: (mirror: ReturnType<typeof watchMirrors>[number]) => number) => (): Reading =>
    watchMirrors(forge).map((mirror) => ({
      labels: { repo: fullName(getRepo(forge, mirror.remote.repoId)), mirror: mirror.remote.name },
      value: value(mirror),
    }));
  return [
    {
      name: 'pika_mirror_lag_seconds',
      help: 'How long a mirror has been behind.',
      labels,
      read: read(({ seconds }) => seconds),
    },
    {
      name: 'pika_mirror_refs_not_in_step',
      help: 'Refs of a mirror that are behind, refused or diverged.',
      labels,
      read: read(({ refs }) => refs),
    },
    {
      name: 'pika_mirror_failures',
      help: 'Syncs of a mirror that failed in a row.',
      labels,
      read: read(({ remote }) => remote.failures),
    },
  ];
};

const diskRows = (forge: Forge): GaugeRow[] => {
  const { database } = forge.config.paths;
  return [
    {
      name: 'pika_database_bytes',
      help: 'Size of the database.',
      read: () => databaseBytes(forge.db).bytes,
    },
    {
      name: 'pika_database_free_bytes',
      help: 'What of the database holds nothing.',
      read: () => databaseBytes(forge.db).freeBytes,
    },
    {
      name: 'pika_database_log_bytes',
      help: 'Size of what was written ahead of the database.',
      read: () => statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    },
    { name: 'pika_lfs_bytes', help: 'Size of the objects of Git LFS.', read: () => lfsBytes(forge.db) },
    {
      name: 'pika_disk_free_bytes',
      help: 'Free room on the fullest disk that the forge writes to.',
      read: () => diskRoom(forge).freeBytes,
    },
    {
      name: 'pika_disk_bytes',
      help: 'Size of that disk.',
      read: () => diskRoom(forge).totalBytes,
    },
    {
      name: 'pika_disk_minimum_bytes',
      help: 'With less free room nothing new is begun.',
      read: () => diskRoom(forge).minFreeBytes,
    },
  ];
};
