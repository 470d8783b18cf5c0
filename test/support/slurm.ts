// A real Slurm of two nodes on the loopback address: one slurmctld and two slurmd of Debian's slurm-wlm, with ports and a
// folder of their own, so that several live beside each other. `auth/none` and no cgroups: for tests only.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  appendFileSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const exec = promisify(execFile);

const controllerProgram = '/usr/sbin/slurmctld';
const nodeProgram = '/usr/sbin/slurmd';
const nodeNames = ['n1', 'n2'] as const;
export type NodeName = (typeof nodeNames)[number];

/** Why it cannot be started here, for a skipped test. */
export function whyNoSlurm(): string | undefined {
  if (process.getuid?.() !== 0) return 'slurmd starts the programs of lanes as their user, which needs root';
  try {
    for (const program of [controllerProgram, nodeProgram, '/usr/bin/sbatch'])
      accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    return 'Slurm is not installed; on Debian: sudo apt-get install slurm-wlm';
  }
}

export class Slurm {
  readonly folder: string;
  readonly configFile: string;
  readonly #daemons = new Map<'controller' | NodeName, ChildProcess>();

  private constructor(folder: string) {
    this.folder = folder;
    this.configFile = join(folder, 'slurm.conf');
  }

  /** `cpus` of each node: as many lanes run on it at once. */
  static async start({ cpus = 2 }: { cpus?: number } = {}): Promise<Slurm> {
    const slurm = new Slurm(mkdtempSync(join(tmpdir(), 'pika-slurm-')));
    try {
      await slurm.#configure(cpus);
      slurm.startController();
      for (const name of nodeNames) slurm.startNode(name);
      await slurm.#ready();
      return slurm;
    } catch (error) {
      const logs = slurm.logs();
      await slurm.stop();
      throw new Error(`Slurm did not start: ${String(error)}\n${logs}`, { cause: error });
    }
  }

  /** The controller has forgotten every job, as after the loss of its disk. */
  startForgetful(): void {
    // A node that still has the program of a forgotten job shall not meet its number again.
    appendFileSync(this.configFile, 'FirstJobId=50000\n');
    this.#spawn('controller', [controllerProgram, '-D', '-c', '-f', this.configFile]);
  }

  startController(): void {
    this.#spawn('controller', [controllerProgram, '-D', '-f', this.configFile]);
  }

  startNode(name: NodeName): void {
    this.#spawn(name, [nodeProgram, '-D', '-f', this.configFile, '-N', name]);
  }

  /** Without a word to anybody; what it started lives on. */
  async kill(which: 'controller' | NodeName, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const daemon = this.#daemons.get(which);
    if (daemon === undefined) return;
    this.#daemons.delete(which);
    if (daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = once(daemon, 'exit');
    daemon.kill(signal);
    await ended;
  }

  /** Runs one of Slurm's commands against this cluster. */
  async ask(program: string, ...args: string[]): Promise<string> {
    const env = { PATH: process.env['PATH'], SLURM_CONF: this.configFile };
    return (await exec(program, args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  }

  /** The numbers of the jobs that have not ended. */
  async jobs(): Promise<string[]> {
    const out = await this.ask('squeue', '--noheader', '--states=PD,R,CG,S', '--format=%i');
    return out.split('\n').filter(Boolean);
  }

  logs(): string {
    const names = readdirSync(this.folder).filter((name) => name.endsWith('.log'));
    return names.map((name) => `--- ${name}\n${readFileSync(join(this.folder, name), 'utf8')}`).join('\n');
  }

  async stop(): Promise<void> {
    // The nodes first: they end what still runs on them, and tell the controller.
    await this.ask('scancel', '--user', userInfo().username).catch(() => undefined);
    for (const name of nodeNames) await this.kill(name, 'SIGTERM');
    await this.kill('controller', 'SIGTERM');
    // The programs of jobs outlive the daemons; a test that failed may have left some.
    await until('nothing of the cluster lives', () => {
      const left = programsIn(this.folder);
      left.forEach(tryToKill);
      return left.length === 0;
    });
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(which: 'controller' | NodeName, [program = '', ...args]: string[]): void {
    this.#daemons.set(which, spawn(program, args, { stdio: 'ignore' }));
  }

  async #ready(): Promise<void> {
    const nodes = () => this.ask('sinfo', '--noheader', '--Node', '--format=%N %T').catch(String);
    await until('both nodes are idle', async () => (await nodes()) === 'n1 idle\nn2 idle\n');
  }

  async #configure(cpus: number): Promise<void> {
    const [controllerPort, ...nodePorts] = await freePorts(1 + nodeNames.length);
    const state = join(this.folder, 'state');
    mkdirSync(state);
    for (const name of nodeNames) mkdirSync(join(this.folder, `spool-${name}`));
    const user = userInfo().username;
    const lines = [
      'ClusterName=pika',
      'SlurmctldHost=localhost(127.0.0.1)',
      `SlurmctldPort=${controllerPort}`,
      `SlurmUser=${user}`,
      `SlurmdUser=${user}`,
      'AuthType=auth/none',
      'CredType=cred/none',
      'CommunicationParameters=NoCtldInAddrAny,NoInAddrAny',
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'MpiDefault=none',
      'SwitchType=switch/none',
      'JobAcctGatherType=jobacct_gather/none',
      'AccountingStorageType=accounting_storage/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core_Memory',
      'SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=2',
      `StateSaveLocation=${state}`,
      `SlurmctldPidFile=${this.folder}/slurmctld.pid`,
      `SlurmctldLogFile=${this.folder}/slurmctld.log`,
      `SlurmdPidFile=${this.folder}/slurmd-%n.pid`,
      `SlurmdLogFile=${this.folder}/slurmd-%n.log`,
      `SlurmdSpoolDir=${this.folder}/spool-%n`,
      'SlurmdParameters=config_overrides',
      'ReturnToService=2',
      // A loaded machine answers late, and a node that is given up loses its lanes.
      'SlurmdTimeout=300',
      'KillWait=5',
      'MinJobAge=60',
      'JobRequeue=1',
      ...nodeNames.map(
        (name, at) =>
          `NodeName=${name} NodeHostname=localhost NodeAddr=127.0.0.1 Port=${nodePorts[at]} CPUs=${cpus} RealMemory=${cpus * 1024}`,
      ),
      `PartitionName=lanes Nodes=${nodeNames.join(',')} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO`,
    ];
    writeFileSync(this.configFile, `${lines.join('\n')}\n`);
  }
}

/** Whatever has a file of the folder open, as what starts the programs of jobs has its log. */
function programsIn(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => filesOf(pid).some((file) => file.startsWith(folder))).map(Number);
}

function filesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
  } catch {
    return [];
  }
}

function tryToKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
